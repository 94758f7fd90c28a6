import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { arrowToTable, tableToArrow } from "./arrow.js";
import { columnType } from "./check.js";
import { csvToTable, tableToCsv } from "./csv.js";
import { readEnvironment, type Environment } from "./environment.js";
import { formatJsonLines, readJsonLines, type WarningOptions } from "./jsonl.js";
import { PACKAGE_ROOT } from "./root.js";
import { asTable, type Rows } from "./rows.js";
import { rowsToTable, tableToRows } from "./table.js";
import { markSuperseded } from "./verdicts.js";

interface Format {
  read: (path: string, onWarning: (message: string) => void) => ColumnTable;
  encode: (table: ColumnTable) => string | Uint8Array;
}

const FORMATS: Record<string, Format> = {
  ".jsonl": { read: readJsonl, encode: (table) => formatJsonLines(tableToRows(table)) },
  ".csv": { read: (path) => csvToTable(readFileSync(path, "utf8"), path), encode: tableToCsv },
  ".arrow": { read: (path) => arrowToTable(readFileSync(path), path), encode: tableToArrow },
};

/** What a campaign folder keeps its samples in. */
export const ROWS_FILE = "rows.jsonl";

/**
 * Loads rows from a .jsonl, .csv or .arrow file, or from a campaign folder (its rows.jsonl).
 * The cut last line that a crash leaves in JSON lines goes to `onWarning` (default `console.warn`).
 */
export function loadRows(path: string, { onWarning = console.warn }: WarningOptions = {}): ColumnTable {
  const file = rowsFile(path);
  const table = formatOf(file).read(file, onWarning);
  if (table.numRows() === 0) throw new UserError(`${file} holds no row: nothing was measured yet.`);
  if (!table.columnNames().some(columnType)) {
    const names = table.columnNames().slice(0, 5).join(", ");
    throw new UserError(`${file} has no column of a row (model, ttft_ms, ...), but ${names}.`);
  }
  return table;
}

/** A campaign as it lies on disk. */
export interface LoadedCampaign {
  /** The folder's name. */
  readonly name: string;
  readonly rows: ColumnTable;
  /** null for a campaign that was measured before there were environments, and for a file of rows. */
  readonly environment: Environment | null;
}

/**
 * A campaign folder's rows and environment, for `diffCampaigns`; also a file of rows, which has no environment.
 *
 * @example
 * const { environment } = diffCampaigns(loadCampaign("out/before"), loadCampaign("out/after"));
 */
export function loadCampaign(path: string, options: WarningOptions = {}): LoadedCampaign {
  const rows = loadRows(path, options);
  const isFolder = statSync(path).isDirectory();
  return { name: basename(resolve(path)), rows, environment: isFolder ? readEnvironment(path) : null };
}

/** A table as the bytes of a file with this extension. */
export const encodeRows = (table: ColumnTable, path: string): string | Uint8Array =>
  formatOf(path).encode(table);

/** Saves a table as .jsonl, .csv or .arrow, by the extension; makes the folder, replaces the file. */
export function saveRows(rows: Rows, path: string): void {
  const table = asTable(rows);
  const bytes = encodeRows(table, path);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, bytes);
}

/** The kinds of reading the paper published; data/paper holds a file for each. */
export const PAPER_KINDS = ["latency", "memory", "energy", "operators", "accuracy", "limit"] as const;
/** A file of the paper's data in data/paper, by its stem. */
export type PaperKind = (typeof PAPER_KINDS)[number];

/** The data of arXiv 2507.12442 (data/README.md): rows of one kind, or of all kinds one after the other. */
export function loadPaper(kind?: PaperKind): ColumnTable {
  if (kind === undefined) return rowsToTable(PAPER_KINDS.flatMap((each) => tableToRows(loadPaper(each))));
  if (PAPER_KINDS.includes(kind)) return paperFile(kind);
  throw new UserError(`The paper has no rows of kind ${kind}; its kinds are ${PAPER_KINDS.join(", ")}.`);
}

/**
 * Operator shares that stood in the artifact's figure scripts as text until commit fec1c24: not measurements, and not
 * what the profiles give (W3), so `loadPaper` leaves them out.
 */
export const loadSuperseded = (): ColumnTable => paperFile("superseded");

const paperFile = (name: string): ColumnTable =>
  loadRows(fileURLToPath(new URL(`data/paper/${name}.csv`, PACKAGE_ROOT)));

function readJsonl(path: string, onWarning: (message: string) => void): ColumnTable {
  const { rows, cut } = readJsonLines(path);
  if (cut !== null) onWarning(`${cut}. It was left out; the ${rows.length} rows before it were read.`);
  return rowsToTable(markSuperseded(rows));
}

function rowsFile(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (!found) throw new UserError(`There is no file or folder ${path}.`);
  if (!found.isDirectory()) return path;
  const file = join(path, ROWS_FILE);
  if (statSync(file, { throwIfNoEntry: false })) return file;
  throw new UserError(`The folder ${path} holds no ${ROWS_FILE}, so it is not a campaign.`);
}

function formatOf(path: string): Format {
  const format = FORMATS[extname(path).toLowerCase()];
  if (format) return format;
  throw new UserError(`${path} has no known extension; rows are ${Object.keys(FORMATS).join(", ")}.`);
}
