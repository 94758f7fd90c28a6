import { NativeError, openRuntime, type Runtime } from "../ort/index.js";
import type { Row } from "../record/index.js";
import type { WindowConditions } from "../sensors/window-conditions.js";
import { columnsOf } from "./columns-of.js";
import { energyLine, energyRows, type EnergySweep } from "./energy.js";
import type { Gate } from "./gate/record.js";
import type { Loaded, Measured } from "./loaded.js";
import { LoadedModel } from "./loaded-model.js";
import { LoadedOnnx } from "./onnx/loaded-onnx.js";
import { isOnnxCell } from "./onnx/plan.js";
import { performanceClock, sample, warmUp, type WarmUp, type WarmUpOptions } from "./measure.js";
import type { AnyCell, Cell } from "./plan.js";
import { promptOf } from "./prompt.js";
import type { Progress } from "./progress.js";
import { failureColumns, heldColumns, memoryColumns, sampleColumns, verdictColumns } from "./rows.js";
import type { Reports } from "./sweep/drive.js";
import { isEnough, mostRepeats, type Precision } from "./sweep/enough.js";
import { conditionColumns, type Watch, type Watched } from "./watch-conditions.js";
import { weightSource } from "./weight-source.js";
import { cellName, generationWork, warmUpWork, type Todo } from "./work.js";

/** What all cells of a sweep share, and where their rows go. */
export interface Sweep extends Reports {
  readonly warmUp: WarmUpOptions;
  /** Null: no energy is measured. */
  readonly energy: EnergySweep | null;
  /** Null: as many samples as asked for. */
  readonly precision: Precision | null;
  /** Looks at what goes on beside a cell. */
  readonly watch: (watched: Watched) => Promise<Watch>;
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
  todo: Todo,
  loaded: Loaded,
  known: { gate: Gate | null; cuda_graph: boolean | null },
  sweep: Sweep,
  add: (row: Row) => void,
): Promise<void> {
  const { cell } = todo;
  const { progress, signal } = sweep;
  const name = cellName(cell);
  const prompt = promptOf(cell);
  const uuid = loaded.device.cuda?.uuid ?? null;
  const watch = await sweep.watch({ ep: cell.ep, deviceId: cell.deviceId, uuid });
  let warm: WarmUp;
  try {
    progress.step(0, `${name}: warming up`);
    warm = await warmUp(generator, prompt, cell.newTokens, performanceClock, sweep.warmUp, signal);
    generator.assertWithinBudget("the prompt");
    progress.step(warmUpWork(cell), `${name}: warm`);
    await takeTimes({ generator, todo, loaded, known, warm, prompt, watch }, sweep, add);
  } finally {
    // Energy has sensors of its own.
    await watch.stop();
  }
  if (!sweep.energy) return;
  for (const repeat of todo.energyRepeats) {
    progress.step(0, `${name}: energy`);
    const rows = await energyRows(generator, cell, prompt, loaded.device.cuda, sweep.energy, signal);
    // A window holds many passes: one sample of an energy is a mean with an error bound.
    const evidence = evidenceOf(cell, known.gate, Infinity);
    for (const { verdict_reasons: others, ...row } of rows)
      add({
        ...row,
        repeat,
        cuda_graph: known.cuda_graph,
        ...verdictColumns(warm, { ...evidence, others }),
      });
    progress.line(`${name}: ${energyLine(rows)}`);
  }
}

/** A visit to a cell, once it is warm. */
interface Visit {
  readonly generator: Measured;
  readonly todo: Todo;
  readonly loaded: Loaded;
  readonly known: { gate: Gate | null; cuda_graph: boolean | null };
  readonly warm: WarmUp;
  readonly prompt: BigInt64Array;
  readonly watch: Watch;
}

async function takeTimes(
  { generator, todo, loaded, known, warm, prompt, watch }: Visit,
  { precision, progress, signal }: Sweep,
  add: (row: Row) => void,
): Promise<void> {
  const { cell, repeats } = todo;
  const name = cellName(cell);
  const evidence = evidenceOf(cell, known.gate, mostRepeats(cell, precision));
  const taken = [...(todo.taken ?? [])];
  const ttfts: number[] = [];
  let gpuAtFirst: WindowConditions | null = null;
  for (const repeat of repeats) {
    if (isEnough(taken, cell, precision)) break;
    const start = performanceClock();
    const times = await sample(generator, prompt, cell.newTokens, performanceClock, signal);
    const conditions = await watch.since(start);
    gpuAtFirst ??= conditions.gpu;
    const columns = sampleColumns(cell, times);
    add({
      repeat,
      ...columns,
      ...memoryColumns(generator, loaded),
      cuda_graph: known.cuda_graph,
      ...conditionColumns(conditions),
      ...verdictColumns(warm, { ...evidence, ...conditions, gpuAtFirst, windowMs: times.ttftMs }),
    });
    taken.push(columns);
    ttfts.push(times.ttftMs);
    progress.step(generationWork(cell), `${name}: TTFT ${times.ttftMs.toFixed(0)} ms`);
  }
  progress.step((repeats.length - ttfts.length) * generationWork(cell), `${name}: precise enough`);
  if (ttfts.length > 0)
    progress.line(`${name}: TTFT ${Math.min(...ttfts).toFixed(1)} to ${Math.max(...ttfts).toFixed(1)} ms`);
}

/** What of a verdict holds for all samples of a cell; of the conditions nothing is known yet. */
export const evidenceOf = (cell: AnyCell, gate: Gate | null, samples: number) => ({
  windowMs: null,
  samples,
  gate,
  isBeyondPositions: cell.beyondPositions !== null,
  gpu: null,
  gpuAtFirst: null,
  host: null,
});
