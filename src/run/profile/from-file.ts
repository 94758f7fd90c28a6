import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { UserError } from "../../errors.js";
import {
  CLASSIFIER_VERSION,
  importTorchTrace,
  nodeRows,
  openProfile,
  plainTable,
  readProfile,
  summarizeProfile,
  type Chunks,
} from "../../profile/index.js";
import { rowsToTable, type Row } from "../../record/index.js";
import { count } from "../plan.js";
import type { ProfileResult } from "./profile.js";
import type { ProfileRun } from "./profile-cell.js";
import { breakdownColumns, classColumns, doubtsOf } from "./rows.js";
import { TraceFile } from "./trace-file.js";

/** How a profile of another program is read. */
export interface ProfileFileOptions {
  /** What its rows call the model. Default: the file's name. */
  name?: string;
  /** What it ran. Default: not known. */
  phase?: "prefill" | "decode";
  /** Runs at its beginning that do not count, as warm-up. Default 0. */
  skipRuns?: number;
  /** File for a trace that Perfetto shows. */
  trace?: string;
}

/**
 * A profile of another program, through the same classes: one that a session of ONNX Runtime wrote, where a pass is one run and the
 * wall time that of the runs, or a trace that PyTorch's profiler exported. Which of them it is its content says; either may be packed
 * with gzip. Throws UserError for a file that is neither.
 */
export async function readProfileFile(
  path: string,
  options: ProfileFileOptions = {},
): Promise<ProfileResult> {
  const { phase = null } = options;
  const skipRuns = count("the number of runs to skip", options.skipRuns ?? 0, 0);
  const model = options.name ?? basename(path).replace(/\.json(\.gz)?$/, "");
  const { format, chunks } = await openProfile(createReadStream(path), path);
  if (format === "pytorch") return await fromPyTorch(chunks, model, path, options);
  const read = await readProfile(chunks, { skipRuns });
  if (read.runs === 0)
    throw new UserError(
      `${path} has ${read.skippedRuns} runs of a model, of which ${skipRuns} are skipped; it must be a profile of ONNX Runtime with at least one more`,
    );
  if (options.trace !== undefined) {
    using trace = new TraceFile(options.trace);
    const times = { startUs: read.startUs ?? 0, startedAt: 0, endedAt: 0 };
    const again = await openProfile(createReadStream(path), path);
    await trace.add({ name: model, chunks: again.chunks, skipRuns, ...times }, []);
  }
  const summary = summarizeProfile(read);
  const profiledMs = read.runUs / 1000 / read.runs;
  const doubts = doubtsOf(summary, read);
  const shared: Row = {
    ...breakdownColumns(phase),
    model,
    ep: "onnxruntime",
    verdict: doubts.length > 0 ? "suspect" : "ok",
    verdict_reasons: doubts,
    source: basename(path),
  };
  const rows = classColumns(summary, { passes: read.runs, profiledMs, unprofiledMs: null });
  const run: Partial<ProfileRun> = {
    model,
    status: "ok",
    ...(phase && { phase }),
    passes: read.runs,
    profiled_ms: profiledMs,
    sum_error_pct: summary.check.errorPct,
    unclassified_pct: summary.check.unclassifiedPct,
    peak_bytes: read.peakBytes,
    classifier_version: CLASSIFIER_VERSION,
  };
  return {
    rows: rowsToTable(rows.map((row) => ({ ...shared, ...row }))),
    nodes: plainTable(nodeRows(read.nodes, read.runUs).map((row) => ({ model, phase, ...row }))),
    runs: plainTable([run]),
  };
}

/** A trace that PyTorch's profiler exported. */
async function fromPyTorch(
  chunks: Chunks,
  model: string,
  path: string,
  { phase, skipRuns = 0, trace }: ProfileFileOptions,
): Promise<ProfileResult> {
  if (skipRuns > 0)
    throw new UserError(
      `${skipRuns} runs are to be skipped, but ${path} is a trace of PyTorch's profiler, which says itself what its passes are`,
    );
  if (trace !== undefined)
    throw new UserError(`${path} is a trace already; open it in Perfetto as it is, without --trace`);
  const { rows, nodes } = await importTorchTrace(chunks, { model, ...(phase && { phase }) }, basename(path));
  const passes = rows[0]?.op_passes ?? 1;
  const unclassified = rows.find(({ op_class: opClass }) => opClass === "unclassified");
  const run: Partial<ProfileRun> = {
    model,
    status: "ok",
    ...(phase && { phase }),
    passes,
    profiled_ms: rows.reduce((sum, row) => sum + (row.op_latency_us ?? 0), 0) / 1000 / passes,
    sum_error_pct: rows.reduce((sum, row) => sum + (row.op_share_pct ?? 0), -100),
    unclassified_pct: unclassified?.op_share_pct ?? 0,
  };
  return {
    rows: rowsToTable(rows),
    nodes: plainTable(nodes.map((node) => ({ model, ...(phase && { phase }), ...node }))),
    runs: plainTable([run]),
  };
}
