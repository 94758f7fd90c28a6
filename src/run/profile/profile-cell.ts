import { createReadStream, rmSync } from "node:fs";
import { join } from "node:path";
import {
  CLASSIFIER_VERSION,
  nodeRows,
  readProfile,
  summarizeProfile,
  withPackedWeights,
} from "../../profile/index.js";
import type { Row } from "../../record/index.js";
import { findEnergySource, type SampleSource } from "../../sensors/energy/index.js";
import { median } from "../../stats/index.js";
import { columnsOf } from "../columns-of.js";
import type { Phase } from "../graph-options.js";
import { evidenceOf } from "../measure-model.js";
import type { Cell } from "../plan.js";
import type { Progress } from "../progress.js";
import { verdictColumns } from "../rows.js";
import { cellName } from "../work.js";
import type { Outcome } from "./own-process.js";
import type { CellPasses, PassesJob, PhasePasses } from "./passes.js";
import { breakdownColumns, classColumns, doubtsOf } from "./rows.js";
import { readingsSince, type TraceFile } from "./trace-file.js";
import { weightsOfNodes } from "./weights-of-nodes.js";

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

/** Where a cell is profiled. */
export interface Bench {
  readonly folder: string;
  readonly trace: TraceFile | null;
  readonly progress: Pick<Progress, "step">;
  readonly time: (job: PassesJob) => Promise<Outcome>;
}

/** What a profile of a cell gives. */
export interface Profiled {
  readonly rows: Row[];
  readonly nodes: object[];
  readonly runs: ProfileRun[];
}

/** The passes without the profiler first, then those with it. */
export async function profileCell(job: Omit<PassesJob, "profilePrefix">, bench: Bench): Promise<Profiled> {
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
async function sensorOf({ ep, deviceId }: Cell, { gpu }: CellPasses): Promise<SampleSource | null> {
  const session = deviceId === null ? null : { deviceId, uuid: gpu };
  return (await findEnergySource({ of: ep === "cpu" ? "cpu" : "gpu", session })).source;
}

/** The rows of one phase from its profile. */
async function evaluate(
  { cell, passes, common }: Omit<PassesJob, "profilePrefix">,
  { warm, gate, known }: CellPasses,
  { phase, passMs, copies, runMs, skipRuns, file }: PhasePasses,
  plainMs: readonly number[],
  addTrace: (startUs: number) => Promise<void>,
): Promise<Profiled> {
  const read = await readProfile(createReadStream(file!), { skipRuns });
  await addTrace(read.startUs ?? 0);
  const nodes = withPackedWeights(read.nodes, weightsOfNodes(cell, phase));
  const wallUs = 1000 * sumOf(passMs);
  const betweenUs = wallUs - 1000 * runMs - copies.timeUs;
  const summary = summarizeProfile({ ...read, nodes }, { wallUs, copies, betweenUs });
  const profiledMs = sumOf(passMs) / passMs.length;
  const unprofiledMs = median(plainMs);
  const shared: Row = {
    ...columnsOf({ cell }, common),
    ...known,
    ...breakdownColumns(phase),
    measured_at: new Date().toISOString(),
    ...verdictColumns(warm, { ...evidenceOf(cell, gate, Infinity), others: doubtsOf(summary, read) }),
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
  const columns = { ...columnsOf({ cell }, common), measured_at: new Date().toISOString() };
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

const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
