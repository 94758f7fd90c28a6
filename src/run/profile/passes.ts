import { randomPrompt } from "../../models/index.js";
import { openRuntime } from "../../ort/index.js";
import type { Row } from "../../record/index.js";
import type { Gate } from "../gate/record.js";
import type { Phase } from "../graph-options.js";
import { Generator } from "../generator.js";
import { LoadedModel } from "../loaded-model.js";
import { performanceClock, warmUp, type WarmUp, type WarmUpOptions } from "../measure.js";
import { columnsOf } from "../columns-of.js";
import type { Cell } from "../plan.js";
import { promptOf } from "../prompt.js";

/** Passes of one cell that are timed alike, with the profiler or without it. */
export interface PassesJob {
  readonly cell: Cell;
  readonly phases: readonly Phase[];
  readonly passes: number;
  /** Columns of every row: campaign, machine, software. */
  readonly common: Row;
  readonly warmUp: WarmUpOptions;
  /** What the paths of the profiles begin with; null: nothing is profiled. */
  readonly profilePrefix: string | null;
}

/** The passes of one phase. */
export interface PhasePasses {
  readonly phase: Phase;
  /** Wall time of each pass on the host's clock. */
  readonly passMs: readonly number[];
  /** When the first of them began, in ms since 1970. */
  readonly startedAt: number;
  /** Copies between device and host that are ours, over all of them; none on a CPU. */
  readonly copies: { readonly calls: number; readonly timeUs: number };
  /** Time in runs of the sessions, over all of them, as seen from outside of ONNX Runtime. */
  readonly runMs: number;
  /** Runs of the phase's session before the first pass. */
  readonly skipRuns: number;
  /** The session's profile; null where nothing is profiled. */
  readonly file: string | null;
}

export interface CellPasses {
  readonly phases: readonly PhasePasses[];
  readonly warm: WarmUp;
  readonly gate: Gate | null;
  /** UUID of the GPU; null where there is none, or none is told. */
  readonly gpu: string | null;
  /** Columns of the rows that only the engine knows. */
  readonly known: Row;
}

/**
 * Times passes of a cell, after warming up: of the prefill, prompt on the host to first token on the host, and
 * of decoding, the tokens after the first. A decoding pass goes back to the end of the prompt.
 */
export async function timePasses(
  { cell, phases, passes, common, warmUp: warmUpOptions, profilePrefix }: PassesJob,
  loaded: LoadedModel,
  signal?: AbortSignal,
): Promise<CellPasses> {
  using generator = new Generator(cell, loaded, {
    onThisThread: true,
    ...(profilePrefix !== null && { profilePrefix }),
  });
  const { cuda, ep } = loaded.device;
  const cudaGraph = ep === "cpu" ? null : generator.cudaGraph;
  const columns = { ...common, ...(cuda && { cuda_version: cuda.runtimeVersion }) };
  const gate = loaded.gate(cell, cudaGraph, columnsOf({ cell }, columns));
  const prompt = promptOf(cell);
  const first = warmUpPrompt(cell, prompt);
  const warm = await warmUp(generator, first, cell.newTokens, performanceClock, warmUpOptions, signal);
  generator.assertWithinBudget("the prompt");
  const timed: PhasePasses[] = [];
  for (const phase of phases) {
    const pass = passOf(phase, generator, prompt, cell.newTokens, signal);
    const skipRuns = generator.runs(phase);
    const before = { ...generator.copies, runMs: generator.runMs };
    const startedAt = performance.timeOrigin + performance.now();
    const passMs: number[] = [];
    for (let i = 0; i < passes; i++) passMs.push(await pass());
    const { calls, ms } = generator.copies;
    const copies = { calls: calls - before.calls, timeUs: 1000 * (ms - before.ms) };
    const noCopies = { calls: 0, timeUs: 0 };
    const runMs = generator.runMs - before.runMs;
    timed.push({
      phase,
      passMs,
      startedAt,
      copies: ep === "cpu" ? noCopies : copies,
      runMs,
      skipRuns,
      file: null,
    });
  }
  const ended = timed.map((one) =>
    profilePrefix === null ? one : { ...one, file: generator.endProfiling(one.phase) },
  );
  const known = { cuda_graph: cudaGraph, ...(cuda && { cuda_version: cuda.runtimeVersion }) };
  return { phases: ended, warm, gate, gpu: cuda?.uuid ?? null, known };
}

/**
 * On a CPU a prompt in segments is warmed up by as many tokens as its first: the others have its shape, and 32768 tokens of
 * a model of a billion parameters take a quarter of an hour a run.
 */
function warmUpPrompt(
  { ep, model, promptTokens, segmentTokens, batch, seed }: Cell,
  prompt: BigInt64Array,
): BigInt64Array {
  if (ep !== "cpu" || segmentTokens === null || segmentTokens >= promptTokens) return prompt;
  return randomPrompt(segmentTokens, batch, model.config.vocab_size, seed);
}

/** One pass of a phase, which gives its wall time in ms. */
function passOf(
  phase: Phase,
  generator: Generator,
  prompt: BigInt64Array,
  newTokens: number,
  signal: AbortSignal | undefined,
): () => Promise<number> {
  const run = async (): Promise<void> => {
    if (phase === "prefill") await generator.prefill(prompt, signal);
    else for (let token = 1; token < newTokens; token++) await generator.step();
  };
  return async () => {
    signal?.throwIfAborted();
    if (phase === "decode") generator.rewind();
    const start = performance.now();
    await run();
    return performance.now() - start;
  };
}

/** The same over a model of its own: for a process that measures one cell. */
export async function loadAndTimePasses(job: PassesJob): Promise<CellPasses> {
  using loaded = new LoadedModel(openRuntime(), [job.cell]);
  return await timePasses(job, loaded);
}
