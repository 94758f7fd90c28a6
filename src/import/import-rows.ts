import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { UserError } from "../errors.js";
import type { Row } from "../record/index.js";
import { aiperfRequests, aiperfSummary } from "./aiperf.js";
import { elana } from "./elana.js";
import type { Format } from "./format.js";
import { llamaBench } from "./llama-bench.js";
import { nameModel, type KnownModel } from "./name-model.js";
import { peerTorch } from "./peer-torch.js";
import { ssmScopeFormats } from "./ssm-scope.js";
import { vllmLatency, vllmServe } from "./vllm.js";

const FORMATS: readonly Format[] = [
  llamaBench,
  vllmServe,
  vllmLatency,
  aiperfRequests,
  aiperfSummary,
  elana,
  peerTorch,
  ...ssmScopeFormats,
];

/** The names of the formats that are read. */
export const IMPORT_FORMATS: readonly string[] = FORMATS.map(({ name }) => name);

/** How foreign files become rows. */
export interface ImportOptions {
  /** Of IMPORT_FORMATS. Default: by the content. */
  format?: string;
  /** Columns that the files do not hold, such as device; they replace what stands there. */
  set?: Row;
  /** Models whose names foreign rows take over, so that they join ours: `REGISTRY`. */
  models?: readonly KnownModel[];
  /** Column `campaign` of the rows. Default: imported. */
  campaign?: string;
}

/**
 * Rows of other people's files: of a file, or of all files of known formats in a folder and below. Each says in `ep` what
 * computed, in `method` how it was measured and in `source` in which file it stood.
 *
 * Throws `UserError` for a file of no known format, and for a malformed one, with its line and column.
 */
export function importRows(
  path: string,
  { format, set = {}, models = [], campaign = "imported" }: ImportOptions = {},
): Row[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new UserError(`There is no file or folder ${path}.`);
  const wanted = FORMATS.find(({ name }) => name === format);
  if (format !== undefined && !wanted)
    throw new UserError(`the format is "${format}"; it must be one of ${IMPORT_FORMATS.join(", ")}`);
  const files = found.isDirectory() ? filesBelow(path) : [path];
  const rows = files.flatMap((file) => {
    const text = readFileSync(file, "utf8");
    const of = wanted ?? FORMATS.find(({ detect }) => detect(text, file));
    if (of) return fileRows(of, text, file).map((row) => finish(row, of, file, { set, models, campaign }));
    if (!found.isDirectory()) throw new UserError(unknownWords(file));
    return [];
  });
  if (rows.length === 0)
    throw new UserError(found.isDirectory() ? unknownWords(path) : `${path} holds no measurement.`);
  return withRepeats(rows);
}

const unknownWords = (path: string): string =>
  `${path} is of no known format (${IMPORT_FORMATS.join(", ")}); name one with --format if it is.`;

function filesBelow(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile() && /\.(csv|jsonl?|log|txt)$/i.test(entry.name));
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  // Its requests stand in a file of their own; both would count them twice.
  return paths.filter(
    (path) => !(basename(path) === AIPERF_SUMMARY && existsSync(join(path, "..", AIPERF_REQUESTS))),
  );
}

const AIPERF_SUMMARY = "profile_export_aiperf.json";
const AIPERF_REQUESTS = "profile_export.jsonl";

/** A format's own rows; requests of AIPerf take the model from the summary beside them. */
function fileRows(format: Format, text: string, file: string): Row[] {
  const rows = format.parse(text, file);
  const summary = join(file, "..", AIPERF_SUMMARY);
  if (format !== aiperfRequests || !existsSync(summary)) return rows;
  const [row] = aiperfSummary.parse(readFileSync(summary, "utf8"), summary);
  return rows.map((one) => ({ model: row?.model ?? null, hf_id: row?.hf_id ?? null, ...one }));
}

function finish(
  row: Row,
  format: Format,
  file: string,
  { set, models, campaign }: Required<Omit<ImportOptions, "format">>,
): Row {
  const whole = nameModel({ kind: "latency", status: "ok", ...row, ...set }, models);
  const named: Row = { ...whole, campaign, source: `${format.name}: ${basename(file)}` };
  for (const name of ["model", "prompt_tokens", ...(format.needs ?? [])] as const)
    if (named[name] == null && named.status === "ok")
      throw new UserError(`${file} does not say its ${name}; add it: --set ${name}=VALUE`);
  return { ...named, cell: cellOf(named, format) };
}

/** What tells one setting from another, as far as foreign files tell it. */
const SETTING = [
  "kind",
  "model",
  "dtype",
  "device",
  "ep",
  "ep_options",
  "threads",
  "phase",
  "batch",
  "prompt_tokens",
  "new_tokens",
  "method",
] as const satisfies (keyof Row)[];

function cellOf(row: Row, { name }: Format): string {
  const setting = JSON.stringify(SETTING.map((column) => row[column] ?? null));
  return `${name}/${createHash("sha256").update(setting).digest("hex").slice(0, 12)}`;
}

/** Samples of a cell are numbered as they come; operator rows are parts of one. */
function withRepeats(rows: readonly Row[]): Row[] {
  const counts = new Map<string, number>();
  return rows.map((row) => {
    const key = JSON.stringify([row.cell, row.breakdown ?? null, row.op_class ?? null]);
    const repeat = counts.get(key) ?? 0;
    counts.set(key, repeat + 1);
    return { ...row, repeat };
  });
}
