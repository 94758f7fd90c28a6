import { statSync } from "node:fs";
import { basename, dirname, extname } from "node:path";
import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { columnType, mismatch } from "./check.js";
import { identifier, literal, openDuckDb, type Cell, type DuckDb } from "./duckdb.js";
import { readJsonLines, tornLine, type WarningOptions } from "./jsonl.js";
import { loadRows, ROWS_FILE } from "./load.js";
import { rowFiles } from "./row-files.js";
import { asTable, type Rows } from "./rows.js";
import { COLUMN_NAMES, COLUMNS, type ColumnType } from "./schema.js";

/** Paths (campaign folders, folders of them, or files of rows: .jsonl, .parquet, .csv, .arrow), or a table. */
export type QuerySource = string | readonly string[] | Rows;

/**
 * Answers SQL (DuckDB's) over one or many campaigns. All their rows are the view `rows`, which has every column of the
 * schema and `file`, where a row came from; the view `counted` leaves out samples that were taken again (`attempt`), as all
 * analyses do; a campaign folder is a view by its name too, unless two are called so.
 * JSON lines are read in place, only the columns that the query names. Of `select *` columns that no row fills are left
 * out, as by `loadRows`.
 *
 * Throws `UserError` for SQL that DuckDB refuses, for rows that cannot be read (file and line), and where DuckDB is
 * missing. The cut last line that a crash leaves goes to `onWarning` (default `console.warn`).
 *
 * @example await query("select model, prompt_tokens, median(ttft_ms) from rows group by all", "out/a")
 */
export async function query(
  sql: string,
  from: QuerySource,
  options: WarningOptions = {},
): Promise<ColumnTable> {
  return await withRows(from, options, SAMPLED_ROWS, async (db) => withoutEmpty(await db.select(sql)));
}

/** Rows of each file that are looked at for columns which the schema does not know; -1 are all. */
const SAMPLED_ROWS = 2048;

const SQL_TYPES: Record<ColumnType, string> = {
  string: "VARCHAR",
  number: "DOUBLE",
  boolean: "BOOLEAN",
  "number[]": "DOUBLE[]",
  "string[]": "VARCHAR[]",
};

/** Does something with a database whose view `rows` holds the rows; what DuckDB refuses is the user's to put right. */
export async function withRows<T>(
  from: QuerySource,
  options: WarningOptions,
  sampledRows: number,
  work: (db: DuckDb) => Promise<T>,
): Promise<T> {
  const sources = isPaths(from)
    ? filesOf(from, options)
    : { json: [], parquet: [], tables: [["", asTable(from)] as const] };
  const db = await openDuckDb();
  try {
    await createViews(db, sources, sampledRows);
    return await work(db);
  } catch (error) {
    if (!isDuckDbs(error)) throw error;
    for (const file of sources.json) refuseDamaged(file);
    throw new UserError(`The query failed: ${error.message.trim()}`, { cause: error });
  } finally {
    db.close();
  }
}

/** DuckDB throws plain errors with its own words; a defect of ours is a TypeError or the like, the system's errors have a code. */
const isDuckDbs = (error: unknown): error is Error =>
  error instanceof Error && error.name === "Error" && (error as NodeJS.ErrnoException).code === undefined;

/** Where rows lie: files that DuckDB reads itself, and tables with the file they came from, "" for none. */
interface Sources {
  readonly json: readonly string[];
  readonly parquet: readonly string[];
  readonly tables: readonly (readonly [file: string, table: ColumnTable])[];
}

const isPaths = (from: QuerySource): from is string | readonly string[] =>
  typeof from === "string" || (Array.isArray(from) && from.every((path) => typeof path === "string"));

function filesOf(paths: string | readonly string[], options: WarningOptions): Sources {
  const files = [...new Set([paths].flat().flatMap(rowFiles))];
  if (files.length === 0)
    throw new UserError("There are no rows to query: name a campaign folder or a file.");
  const json: string[] = [];
  const parquet: string[] = [];
  const tables: [string, ColumnTable][] = [];
  for (const file of files) {
    const extension = extname(file).toLowerCase();
    if (extension === ".parquet") parquet.push(file);
    else if (extension === ".jsonl" && tornLine(file) === null) json.push(file);
    else tables.push([file, loadRows(file, options)]);
  }
  return { json, parquet, tables };
}

async function createViews(
  db: DuckDb,
  { json, parquet, tables }: Sources,
  sampledRows: number,
): Promise<void> {
  const known = COLUMN_NAMES.map((name) => `${identifier(name)} ${SQL_TYPES[COLUMNS[name].type]}`);
  await db.connection.run(`CREATE TABLE ${SCHEMA} (${[...known, "file VARCHAR"].join(", ")})`);
  const parts = [`SELECT * FROM ${SCHEMA}`];
  if (json.length > 0) parts.push(`SELECT * FROM ${await readJson(db, json, sampledRows)}`);
  if (parquet.length > 0)
    parts.push(`SELECT * FROM read_parquet(${list(parquet)}, union_by_name = true, filename = 'file')`);
  for (const [i, [file, table]] of tables.entries()) {
    const name = `${SCHEMA}_${i}`;
    await createTable(db, name, table);
    // The answer to a query says itself where its rows came from.
    const from = file === "" ? "" : `, ${literal(file)} AS file`;
    parts.push(`SELECT * ${file === "" ? "" : withoutFile(table)}${from} FROM ${name}`);
  }
  await db.connection.run(`CREATE VIEW rows AS ${parts.join(" UNION ALL BY NAME ")}`);
  await db.connection.run(COUNTED);
  for (const [name, file] of campaignViews([...json, ...tables.map(([path]) => path)]))
    await db.connection.run(
      `CREATE VIEW ${identifier(name)} AS SELECT * FROM rows WHERE file = ${literal(file)}`,
    );
}

/** What `markSuperseded` leaves: of each sample the latest attempt that succeeded, and all that is no sample. */
const COUNTED = `CREATE VIEW counted AS SELECT * FROM rows
  QUALIFY status IS DISTINCT FROM 'ok' OR repeat IS NULL OR coalesce(attempt, 0) =
    max(coalesce(attempt, 0)) FILTER (status = 'ok') OVER (PARTITION BY campaign, cell, kind, phase, repeat)`;

const withoutFile = (table: ColumnTable): string =>
  table.columnNames().includes("file") ? "EXCLUDE (file)" : "";

/** An empty table of the schema: by it every column is there, whatever the rows hold. */
const SCHEMA = "ssm_scope_schema";

const list = (paths: readonly string[]): string => `[${paths.map(literal).join(", ")}]`;

/** DuckDB's reader with the schema's types, and with the types it finds itself for columns that are not the schema's. */
async function readJson(
  { connection }: DuckDb,
  files: readonly string[],
  sampledRows: number,
): Promise<string> {
  const format = `${list(files)}, format = 'newline_delimited'`;
  const described = await connection.runAndReadAll(
    `SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM read_json(${format}, union_by_name = true, sample_size = ${sampledRows}))`,
  );
  const found = described.getRowObjectsJS() as { column_name: string; column_type: string }[];
  const unknown = found.filter(({ column_name: name }) => columnType(name) === undefined && name !== "file");
  const columns = [
    ...COLUMN_NAMES.map((name) => [name, SQL_TYPES[COLUMNS[name].type]] as const),
    ...unknown.map(({ column_name, column_type }) => [column_name, column_type] as const),
  ].map(([name, type]) => `${literal(name)}: ${literal(type)}`);
  return `read_json(${format}, columns = {${columns.join(", ")}}, filename = 'file')`;
}

/** Names of campaign folders that are one file's alone, and are not `rows`. */
function campaignViews(files: readonly string[]): [name: string, file: string][] {
  const named = files
    .filter((file) => basename(file) === ROWS_FILE)
    .map((file): [string, string] => [basename(dirname(file)), file]);
  const same = (name: string) => named.filter(([other]) => other.toLowerCase() === name.toLowerCase()).length;
  return named.filter(([name]) => name !== "rows" && name !== "." && same(name) === 1);
}

async function createTable(db: DuckDb, name: string, table: ColumnTable): Promise<void> {
  const names = table.columnNames();
  const columns = names.map((column) =>
    typedCells(column, Array.from(table.array(column) as Iterable<unknown>)),
  );
  const declared = names.map((column, i) => `${identifier(column)} ${SQL_TYPES[columns[i]!.type]}`);
  await db.connection.run(`CREATE TABLE ${name} (${declared.join(", ")})`);
  await db.append(
    name,
    columns.map(({ cells }) => cells),
  );
}

/** The cells of a column with the type that all of them have; NaN is missing, as everywhere in rows. */
function typedCells(column: string, values: readonly unknown[]): { type: ColumnType; cells: Cell[] } {
  const cells = values.map((value) =>
    value === undefined || Number.isNaN(value)
      ? null
      : ArrayBuffer.isView(value)
        ? Array.from(value as unknown as ArrayLike<unknown>)
        : value,
  );
  const first = cells.find((cell) => cell !== null && !(Array.isArray(cell) && cell.length === 0));
  const type = first === undefined ? (columnType(column) ?? "string") : typeOf(first);
  if (type === null)
    throw new UserError(`The table cannot be queried: ${mismatch(column, "string", first)}.`);
  const odd = cells.find((cell) => cell !== null && !fits(cell, type));
  if (odd !== undefined) throw new UserError(`The table cannot be queried: ${mismatch(column, type, odd)}.`);
  return { type, cells: cells as Cell[] };
}

function typeOf(value: unknown): ColumnType | null {
  if (Array.isArray(value))
    return typeof value[0] === "number" ? "number[]" : typeof value[0] === "string" ? "string[]" : null;
  const type = typeof value;
  return type === "number" || type === "string" || type === "boolean" ? type : null;
}

const fits = (cell: unknown, type: ColumnType): boolean =>
  type.endsWith("[]")
    ? Array.isArray(cell) && cell.every((item) => `${typeof item}[]` === type)
    : typeof cell === type;

/** A `select *` has every column of the schema; without those that no row fills it is as a loaded table is. */
function withoutEmpty(table: ColumnTable): ColumnTable {
  const names = table.columnNames();
  if (table.numRows() === 0 || !COLUMN_NAMES.every((name) => names.includes(name))) return table;
  const isFilled = (name: string): boolean => (table.array(name) as unknown[]).some((cell) => cell !== null);
  return table.select(names.filter((name) => columnType(name) === undefined || isFilled(name)));
}

/** Our reader says in which line and column what is wrong, where a file is small enough for it. */
function refuseDamaged(file: string): void {
  if (statSync(file).size < LARGEST_TEXT) readJsonLines(file);
}

/** Node's longest string is 512 MiB. */
const LARGEST_TEXT = 2 ** 28;
