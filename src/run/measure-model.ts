import { randomPrompt, RandomWeights } from "../models/index.js";
import { openRuntime, OrtError } from "../ort/index.js";
import type { Row } from "../record/index.js";
import { Generator, positionsFor, type Shared } from "./generator.js";
import { performanceClock, sample, warmUp, type WarmUpOptions } from "./measure.js";
import type { Cell } from "./plan.js";
import type { Progress } from "./progress.js";
import { cellColumns, memoryColumns, sampleColumns, verdictColumns } from "./rows.js";
import { WeightStore } from "./weight-store.js";
import { cellName, generationWork, warmUpWork, type Todo } from "./work.js";

/** What all cells of a sweep share, and where their rows go. */
export interface Sweep {
  readonly add: (row: Row) => void;
  /** Columns of every row: campaign, machine, software. */
  readonly common: Row;
  readonly warmUp: WarmUpOptions;
  readonly progress: Pick<Progress, "step" | "line">;
  readonly signal: AbortSignal | undefined;
}

/** Columns that every row of a cell has, whether it was measured or could not be. */
export function columnsOf(cell: Cell, common: Row): Row {
  return { ...cellColumns(cell), device: common.cpu_model ?? "cpu", ...common };
}

/**
 * Measures cells of one model over one set of weights, in this process. What a cell could not do is a row of it; any other
 * error ends all of them, as does the signal (AbortError).
 */
export async function measureModel(todo: readonly Todo[], sweep: Sweep): Promise<void> {
  const runtime = openRuntime();
  using weights = new WeightStore(runtime, new RandomWeights(todo[0]!.cell.seed));
  using prepacked = runtime.createPrepackedWeights();
  const shared: Shared = {
    runtime,
    weights,
    prepacked,
    positions: positionsFor(todo.map(({ cell }) => cell)),
  };
  for (const { cell, repeats } of todo) await measureCell(cell, repeats, shared, sweep);
}

async function measureCell(
  cell: Cell,
  repeats: readonly number[],
  shared: Shared,
  sweep: Sweep,
): Promise<void> {
  const columns = columnsOf(cell, sweep.common);
  const add = (row: Row): void => {
    sweep.add({ ...columns, measured_at: new Date().toISOString(), ...row });
  };
  const report = (error: unknown): void => {
    sweep.signal?.throwIfAborted();
    const status = statusOf(error);
    if (!status) throw error;
    add(status);
    sweep.progress.line(`${cellName(cell)}: ${status.status_reason}`);
  };
  try {
    using generator = new Generator(cell, shared);
    // Reported before the generator is released: after a fatal error of a GPU the release may end the process.
    await takeSamples(generator, cell, repeats, shared, sweep, add).catch(report);
  } catch (error) {
    report(error);
  }
}

async function takeSamples(
  generator: Generator,
  cell: Cell,
  repeats: readonly number[],
  shared: Shared,
  { warmUp: warmUpOptions, progress, signal }: Sweep,
  add: (row: Row) => void,
): Promise<void> {
  const { promptTokens, newTokens, batch, seed, model } = cell;
  const name = cellName(cell);
  const prompt = randomPrompt(promptTokens, batch, model.config.vocab_size, seed);
  progress.step(0, `${name}: warming up`);
  const warm = await warmUp(generator, prompt, newTokens, performanceClock, warmUpOptions, signal);
  progress.step(warmUpWork(cell), `${name}: warm`);
  const ttfts: number[] = [];
  for (const repeat of repeats) {
    const times = await sample(generator, prompt, newTokens, performanceClock, signal);
    add({
      repeat,
      ...sampleColumns(cell, times),
      ...memoryColumns({
        parameterBytes: shared.weights.parameterBytes,
        tableBytes: shared.weights.tableBytes,
        kvCacheBytes: generator.kvCacheBytes,
        ssmStateBytes: generator.ssmStateBytes,
        convStateBytes: generator.convStateBytes,
        heldStateBytes: generator.heldStateBytes,
        peakActivationBytes: generator.peakActivationBytes,
        reservedBytes: generator.reservedBytes,
      }),
      process_rss_bytes: process.memoryUsage.rss(),
      ...verdictColumns(cell, warm),
    });
    ttfts.push(times.ttftMs);
    progress.step(generationWork(cell), `${name}: TTFT ${times.ttftMs.toFixed(0)} ms`);
  }
  progress.line(`${name}: TTFT ${Math.min(...ttfts).toFixed(1)} to ${Math.max(...ttfts).toFixed(1)} ms`);
}

/** A row for a cell that could not be measured: running out of memory is a finding, an error of the runtime a failure. */
export function statusOf(error: unknown): Row | null {
  if (error instanceof OrtError && error.isOutOfMemory)
    return { status: "oom", status_reason: error.message };
  if (error instanceof RangeError && /allocation failed|Invalid typed array length/.test(error.message))
    return { status: "oom", status_reason: error.message };
  if (error instanceof OrtError) return { status: "failed", status_reason: error.message };
  return null;
}
