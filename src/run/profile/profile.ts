import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ColumnTable } from "arquero";
import { UserError } from "../../errors.js";
import { openRuntime } from "../../ort/index.js";
import {
  CLASSIFIER_VERSION,
  nodeRows,
  plainTable,
  readProfile,
  summarizeProfile,
  withPackedWeights,
} from "../../profile/index.js";
import { machineFacts, rowsToTable, type Row } from "../../record/index.js";
import { findEnergySource, type SampleSource } from "../../sensors/energy/index.js";
import { memoryCampaign, openCampaign } from "../campaign.js";
import type { Phase } from "../graph-options.js";
import { LoadedModel } from "../loaded-model.js";
import { columnsOf } from "../measure-model.js";
import { count, oneOf, plan, type Cell, type Settings } from "../plan.js";
import { showProgress, silentProgress, type Progress } from "../progress.js";
import { failureColumns, verdictColumns } from "../rows.js";
import { deviceFacts, InterruptedError, refuseOtherMachine, WARM_UP, type SweepOptions } from "../run.js";
import { cellName } from "../work.js";
import { timePassesApart, type Outcome } from "./own-process.js";
import { timePasses, type CellPasses, type PassesJob, type PhasePasses } from "./passes.js";
import { breakdownColumns, classColumns, doubtsOf } from "./rows.js";
import { readingsSince, TraceFile } from "./trace-file.js";
import { weightsOfNodes } from "./weights-of-nodes.js";

/** What is profiled, and how. */
export interface ProfileOptions
  extends Omit<Settings, "repeats" | "cudaGraph">, Pick<SweepOptions, "signal" | "progress" | "warmUp"> {
  /** Default: both. */
  phase?: Phase | "both";
  /** Profiled passes of each phase, and as many without the profiler. Default 3. */
  passes?: number;
  /** Folder of a campaign: rows are appended to its rows.jsonl, beside what is there. Without it they are only returned. */
  out?: string;
  /** File for a trace that Perfetto shows. */
  trace?: string;
  /** `cell` times every cell in processes of their own, which a GPU always has; `auto` (default) and `none`: not on a CPU. */
  isolate?: "auto" | "cell" | "none";
}

/** One phase of one cell. */
export interface ProfileRun {
  readonly model: string;
  readonly lowering: string | null;
  readonly prompt_tokens: number;
  readonly phase: Phase;
  readonly status: string;
  readonly status_reason: string | null;
  readonly passes: number;
  /** Of one pass: profiled (mean), not profiled (median), and how many times the first is the second. */
  readonly profiled_ms: number | null;
  readonly unprofiled_ms: number | null;
  readonly inflation: number | null;
  /** How far classes and gaps together are off the wall time of the profiled passes; within 2 the profile sums. */
  readonly sum_error_pct: number | null;
  readonly unclassified_pct: number | null;
  /** High-water mark of the session's allocator: activations and work space, not weights and states. */
  readonly peak_bytes: number | null;
  readonly classifier_version: number;
}

export interface ProfileResult {
  /** A row for each class of operators, as campaigns hold them. */
  readonly rows: ColumnTable;
  /** A row for each node of the graphs as they ran (NodeRow), with `model`, `prompt_tokens` and `phase`. */
  readonly nodes: ColumnTable;
  /** A row for each phase of each cell: ProfileRun. */
  readonly runs: ColumnTable;
}

/**
 * Where the time goes, by class of operators: runs the engine with ONNX Runtime's profiler, in passes that are never mixed
 * with timed samples, and says by how much these took longer. On a GPU, launches wait for their kernels in the profiled
 * passes and decode steps are not replayed as a graph; the unprofiled ones do not wait, and are no graph either.
 *
 * Throws UserError for settings that make no sense, before anything runs. What a cell could not do is a row.
 */
export async function profile(options: ProfileOptions): Promise<ProfileResult> {
  const phases = phasesOf(options);
  const passes = count("the number of passes", options.passes ?? 3);
  const isolate = oneOf("isolate", options.isolate ?? "auto", ["auto", "cell", "none"] as const);
  const cells = plan({ ...options, repeats: passes, ...(options.ep === "cuda" && { cudaGraph: "off" }) });
  const here: Row = { ...machineFacts(), ort_version: openRuntime().version, ...deviceFacts(cells) };
  const campaign = options.out === undefined ? memoryCampaign("unsaved") : openCampaign(options.out, true);
  refuseOtherMachine(campaign.earlier, here);
  const found: { rows: Row[]; nodes: object[]; runs: ProfileRun[] } = { rows: [], nodes: [], runs: [] };
  const folder = mkdtempSync(join(tmpdir(), "ssm-scope-profile-"));
  const progress = options.progress === "none" ? silentProgress : showProgress(2 * cells.length);
  const tables = (): ProfileResult => ({
    rows: rowsToTable(found.rows),
    nodes: plainTable(found.nodes),
    runs: plainTable(found.runs),
  });
  try {
    using trace = options.trace === undefined ? null : new TraceFile(options.trace);
    using models = new Models(cells);
    for (const cell of cells) {
      const apart = cell.ep !== "cpu" || isolate === "cell";
      const logs = campaign.folder === "" ? null : join(campaign.folder, "logs");
      const measured = await profileCell(
        {
          cell,
          phases,
          passes,
          common: { campaign: campaign.name, ...here },
          warmUp: { ...WARM_UP[cell.ep], ...options.warmUp },
        },
        {
          folder,
          trace,
          progress,
          time: (job) =>
            apart
              ? timePassesApart(job, logs, options.signal)
              : timeHere(job, models.of(cell), options.signal),
        },
      );
      for (const row of measured.rows) campaign.add(row);
      found.rows.push(...measured.rows);
      found.nodes.push(...measured.nodes);
      found.runs.push(...measured.runs);
      for (const one of measured.runs) progress.line(runLine(one));
    }
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw new InterruptedError(tables().rows);
    throw error;
  } finally {
    progress.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  return tables();
}

function phasesOf({ phase = "both", newTokens = 16 }: ProfileOptions): Phase[] {
  const wanted = oneOf("the phase", phase, ["prefill", "decode", "both"] as const);
  if (wanted === "decode" && newTokens < 2)
    throw new UserError(
      `the number of new tokens is ${newTokens}, but the first is the prefill's; decoding needs 2 or more`,
    );
  if (wanted === "both") return newTokens < 2 ? ["prefill"] : ["prefill", "decode"];
  return [wanted];
}

/** Models of cells that run in this process: one at a time, loaded when it is first asked for. */
class Models implements Disposable {
  readonly #cells: readonly Cell[];
  #loaded: { readonly of: Cell["model"]; readonly model: LoadedModel } | null = null;

  constructor(cells: readonly Cell[]) {
    this.#cells = cells;
  }

  of({ model }: Cell): LoadedModel {
    if (this.#loaded?.of === model) return this.#loaded.model;
    this[Symbol.dispose]();
    const mine = this.#cells.filter((cell) => cell.model === model);
    this.#loaded = { of: model, model: new LoadedModel(openRuntime(), mine) };
    return this.#loaded.model;
  }

  [Symbol.dispose](): void {
    this.#loaded?.model[Symbol.dispose]();
    this.#loaded = null;
  }
}

async function timeHere(
  job: PassesJob,
  loaded: LoadedModel,
  signal: AbortSignal | undefined,
): Promise<Outcome> {
  try {
    return { passes: await timePasses(job, loaded, signal), status: null };
  } catch (error) {
    signal?.throwIfAborted();
    const status = failureColumns(error);
    if (!status) throw error;
    return { passes: null, status };
  }
}

interface Bench {
  readonly folder: string;
  readonly trace: TraceFile | null;
  readonly progress: Pick<Progress, "step">;
  readonly time: (job: PassesJob) => Promise<Outcome>;
}

interface Profiled {
  readonly rows: Row[];
  readonly nodes: object[];
  readonly runs: ProfileRun[];
}

/** The passes without the profiler first, then those with it. */
async function profileCell(job: Omit<PassesJob, "profilePrefix">, bench: Bench): Promise<Profiled> {
  const { cell } = job;
  bench.progress.step(0, `${cellName(cell)}: without the profiler`);
  const plain = await bench.time({ ...job, profilePrefix: null });
  bench.progress.step(1, `${cellName(cell)}: with the profiler`);
  if (!plain.passes) {
    bench.progress.step(1, cellName(cell));
    return failed(job, plain.status);
  }
  const source = bench.trace && (await sensorOf(cell, plain.passes));
  try {
    const before = performance.now();
    const profiled = await bench.time({ ...job, profilePrefix: join(bench.folder, cell.key) });
    bench.progress.step(1, cellName(cell));
    if (!profiled.passes) return failed(job, profiled.status);
    const readings = source ? await readingsSince(source, before) : [];
    const all: Profiled = { rows: [], nodes: [], runs: [] };
    for (const [i, passes] of profiled.passes.phases.entries()) {
      const one = await evaluate(
        job,
        profiled.passes,
        passes,
        plain.passes.phases[i]!.passMs,
        async (startUs) => {
          await bench.trace?.add(
            {
              name: `${cell.model.name}, ${cell.promptTokens} tokens, ${passes.phase}`,
              chunks: createReadStream(passes.file!),
              skipRuns: passes.skipRuns,
              startUs,
              startedAt: passes.startedAt,
              endedAt: passes.startedAt + sumOf(passes.passMs),
            },
            readings,
          );
        },
      );
      rmSync(passes.file!, { force: true });
      all.rows.push(...one.rows);
      all.nodes.push(...one.nodes);
      all.runs.push(...one.runs);
    }
    return all;
  } finally {
    await source?.close();
  }
}

/** What tells power, and of a GPU its memory, while a cell runs; null where nothing does. */
async function sensorOf({ ep }: Cell, { gpu }: CellPasses): Promise<SampleSource | null> {
  return (await findEnergySource({ of: ep === "cpu" ? "cpu" : "gpu", device: gpu })).source;
}

/** The rows of one phase from its profile. */
async function evaluate(
  { cell, passes, common }: Omit<PassesJob, "profilePrefix">,
  { warm, gate, known }: CellPasses,
  { phase, passMs, copies, skipRuns, file }: PhasePasses,
  plainMs: readonly number[],
  addTrace: (startUs: number) => Promise<void>,
): Promise<Profiled> {
  const read = await readProfile(createReadStream(file!), { skipRuns });
  await addTrace(read.startUs ?? 0);
  const nodes = withPackedWeights(read.nodes, weightsOfNodes(cell, phase));
  const summary = summarizeProfile({ ...read, nodes }, { wallUs: 1000 * sumOf(passMs), copies });
  const profiledMs = sumOf(passMs) / passMs.length;
  const unprofiledMs = median(plainMs);
  const shared: Row = {
    ...columnsOf(cell, common),
    ...known,
    ...breakdownColumns(phase),
    measured_at: new Date().toISOString(),
    ...verdictColumns(cell, warm, gate, doubtsOf(summary, read)),
  };
  const of = {
    model: cell.model.name,
    lowering: loweringOf(cell, phase),
    prompt_tokens: cell.promptTokens,
    phase,
  };
  return {
    rows: classColumns(summary, { passes, profiledMs, unprofiledMs }).map((row) => ({ ...shared, ...row })),
    nodes: nodeRows(nodes, summary.check.wallUs).map((row) => ({ ...of, ...row })),
    runs: [
      {
        ...of,
        status: "ok",
        status_reason: null,
        passes,
        profiled_ms: profiledMs,
        unprofiled_ms: unprofiledMs,
        inflation: profiledMs / unprofiledMs,
        sum_error_pct: summary.check.errorPct,
        unclassified_pct: summary.check.unclassifiedPct,
        peak_bytes: read.peakBytes,
        classifier_version: CLASSIFIER_VERSION,
      },
    ],
  };
}

const loweringOf = ({ lowering, decodeLowering }: Cell, phase: Phase): string | null =>
  phase === "prefill" ? lowering : decodeLowering;

/** A row each of the phases that could not be profiled. */
function failed({ cell, phases, passes, common }: Omit<PassesJob, "profilePrefix">, status: Row): Profiled {
  const columns = { ...columnsOf(cell, common), measured_at: new Date().toISOString() };
  return {
    rows: phases.map((phase) => ({ ...columns, ...breakdownColumns(phase), ...status })),
    nodes: [],
    runs: phases.map((phase) => ({
      model: cell.model.name,
      lowering: loweringOf(cell, phase),
      prompt_tokens: cell.promptTokens,
      phase,
      status: status.status ?? "failed",
      status_reason: status.status_reason ?? null,
      passes,
      profiled_ms: null,
      unprofiled_ms: null,
      inflation: null,
      sum_error_pct: null,
      unclassified_pct: null,
      peak_bytes: null,
      classifier_version: CLASSIFIER_VERSION,
    })),
  };
}

function runLine({
  model,
  prompt_tokens,
  phase,
  status_reason,
  profiled_ms,
  inflation,
  sum_error_pct,
}: ProfileRun) {
  const what = `${model}, ${prompt_tokens} tokens, ${phase}`;
  if (profiled_ms === null) return `${what}: ${status_reason ?? "failed"}`;
  return `${what}: ${profiled_ms.toFixed(1)} ms profiled, ${inflation!.toFixed(2)} times the unprofiled, sums to ${(100 + sum_error_pct!).toFixed(1)} %`;
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
}
