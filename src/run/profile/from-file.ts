import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { createGunzip } from "node:zlib";
import { UserError } from "../../errors.js";
import {
  CLASSIFIER_VERSION,
  nodeRows,
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
 * A profile that a session of ONNX Runtime wrote in another program, through the same classes; a pass is one run. The wall time
 * is that of the runs. Throws UserError for a file that is no such profile.
 */
export async function readProfileFile(
  path: string,
  options: ProfileFileOptions = {},
): Promise<ProfileResult> {
  const { phase = null } = options;
  const skipRuns = count("the number of runs to skip", options.skipRuns ?? 0, 0);
  const model = options.name ?? basename(path).replace(/\.json(\.gz)?$/, "");
  const read = await readProfile(open(path), { skipRuns }).catch((error: unknown) => {
    // What zlib says of a file that it cannot unpack.
    if (!(error instanceof Error && /^Z_/.test((error as NodeJS.ErrnoException).code ?? ""))) throw error;
    throw new UserError(`${path} is no file packed with gzip, or not all of it: ${error.message}`);
  });
  if (read.runs === 0)
    throw new UserError(
      `${path} has ${read.skippedRuns} runs of a model, of which ${skipRuns} are skipped; it must be a profile of ONNX Runtime with at least one more`,
    );
  if (options.trace !== undefined) {
    using trace = new TraceFile(options.trace);
    const times = { startUs: read.startUs ?? 0, startedAt: 0, endedAt: 0 };
    await trace.add({ name: model, chunks: open(path), skipRuns, ...times }, []);
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

/** The file's bytes, unpacked. */
function open(path: string): Chunks {
  const file = createReadStream(path);
  if (!path.endsWith(".gz")) return file;
  const unpacked = createGunzip();
  file.on("error", (error) => unpacked.destroy(error));
  return file.pipe(unpacked);
}
