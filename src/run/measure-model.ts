import { NativeError, openRuntime, type Runtime } from "../ort/index.js";
import type { Row } from "../record/index.js";
import { columnsOf } from "./columns-of.js";
import { energyLine, energyRows, type EnergySweep } from "./energy.js";
import type { Gate } from "./gate/record.js";
import type { Loaded, Measured } from "./loaded.js";
import { LoadedModel } from "./loaded-model.js";
import { LoadedOnnx } from "./onnx/loaded-onnx.js";
import { isOnnxCell } from "./onnx/plan.js";
import { performanceClock, sample, warmUp, type WarmUpOptions } from "./measure.js";
import type { Cell } from "./plan.js";
import { promptOf } from "./prompt.js";
import type { Progress } from "./progress.js";
import { failureColumns, heldColumns, memoryColumns, sampleColumns, verdictColumns } from "./rows.js";
import type { Reports } from "./sweep/drive.js";
import { weightSource } from "./weight-source.js";
import { cellName, generationWork, warmUpWork, type Todo } from "./work.js";

/** What all cells of a sweep share, and where their rows go. */
export interface Sweep extends Reports {
  readonly warmUp: WarmUpOptions;
  /** Null: no energy is measured. */
  readonly energy: EnergySweep | null;
  readonly progress: Pick<Progress, "step" | "line">;
  readonly signal: AbortSignal | undefined;
}

/**
 * Measures cells of one model over one set of weights, in this process. What a cell could not do is a row of it; any other
 * error ends all of them, as does the signal (AbortError).
 */
export async function measureModel(todo: readonly Todo[], sweep: Sweep): Promise<void> {
  using model = load(openRuntime(), todo, sweep.progress);
  for (const one of todo) if (await sweep.begin(one, process.pid)) await measureCell(one, model, sweep);
}

/** The one model of the cells: an exported one, or else the registry's. */
function load(runtime: Runtime, todo: readonly Todo[], progress: Sweep["progress"]): Loaded {
  const cells = todo.map(({ cell }) => cell);
  if (cells.every(isOnnxCell)) return new LoadedOnnx(runtime, cells);
  const ours = cells as Cell[];
  const source = weightSource(ours[0]!, (read, total) => {
    progress.step(0, `reading weights: ${Math.round((100 * read) / total)} %`);
  });
  return new LoadedModel(runtime, ours, source);
}

async function measureCell(todo: Todo, loaded: Loaded, sweep: Sweep): Promise<void> {
  const { cell } = todo;
  const columns = columnsOf(todo, {
    ...sweep.common,
    ...(loaded.device.cuda && { cuda_version: loaded.device.cuda.runtimeVersion }),
  });
  const add = (row: Row): void => {
    sweep.add({ ...columns, measured_at: new Date().toISOString(), ...row });
  };
  let fatal: unknown;
  const report = (error: unknown, known: Row = heldColumns(loaded)): void => {
    sweep.signal?.throwIfAborted();
    const status = failureColumns(error);
    if (!status) throw error;
    add({ ...known, ...status });
    sweep.progress.line(`${cellName(cell)}: ${status.status_reason}`);
    if (error instanceof NativeError && error.isFatal) {
      // Nothing else can be measured in this process.
      fatal = error;
      throw error;
    }
  };
  try {
    using generator = loaded.open(cell);
    const cudaGraph = loaded.device.ep === "cpu" ? null : generator.cudaGraph;
    const gate = loaded.gate(cell, cudaGraph, columns);
    // Reported before the generator is released: after a fatal error of a GPU the release may end the process.
    await takeSamples(generator, todo, loaded, { gate, cuda_graph: cudaGraph }, sweep, add).catch(
      (error: unknown) => {
        report(error, {
          gate,
          cuda_graph: cudaGraph,
          ...memoryColumns(generator, loaded),
          total_bytes: null,
        });
      },
    );
  } catch (error) {
    if (fatal === error) throw error;
    report(error);
  }
}

async function takeSamples(
  generator: Measured,
  { cell, repeats, energyRepeats }: Todo,
  loaded: Loaded,
  known: { gate: Gate | null; cuda_graph: boolean | null },
  { warmUp: warmUpOptions, energy, progress, signal }: Sweep,
  add: (row: Row) => void,
): Promise<void> {
  const { newTokens } = cell;
  const name = cellName(cell);
  const prompt = promptOf(cell);
  progress.step(0, `${name}: warming up`);
  const warm = await warmUp(generator, prompt, newTokens, performanceClock, warmUpOptions, signal);
  generator.assertWithinBudget("the prompt");
  progress.step(warmUpWork(cell), `${name}: warm`);
  const ttfts: number[] = [];
  for (const repeat of repeats) {
    const times = await sample(generator, prompt, newTokens, performanceClock, signal);
    add({
      repeat,
      ...sampleColumns(cell, times),
      ...memoryColumns(generator, loaded),
      cuda_graph: known.cuda_graph,
      ...verdictColumns(cell, warm, known.gate),
    });
    ttfts.push(times.ttftMs);
    progress.step(generationWork(cell), `${name}: TTFT ${times.ttftMs.toFixed(0)} ms`);
  }
  if (ttfts.length > 0)
    progress.line(`${name}: TTFT ${Math.min(...ttfts).toFixed(1)} to ${Math.max(...ttfts).toFixed(1)} ms`);
  if (!energy) return;
  for (const repeat of energyRepeats) {
    progress.step(0, `${name}: energy`);
    const rows = await energyRows(generator, cell, prompt, loaded.device.cuda?.uuid ?? null, energy, signal);
    for (const { verdict_reasons: doubts, ...row } of rows) {
      const verdict = verdictColumns(cell, warm, known.gate, doubts);
      add({ ...row, repeat, cuda_graph: known.cuda_graph, ...verdict });
    }
    progress.line(`${name}: ${energyLine(rows)}`);
  }
}
