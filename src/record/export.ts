import { extname } from "node:path";
import { UserError } from "../errors.js";
import type { ColumnTable } from "arquero";
import { columnType } from "./check.js";
import { identifier, literal, type DuckDb } from "./duckdb.js";
import type { WarningOptions } from "./jsonl.js";
import { encodeRows } from "./load.js";
import { withRows, type QuerySource } from "./query.js";
import { COLUMN_NAMES } from "./schema.js";
import { writeWhole, writeWholeFile } from "./whole-file.js";

/** What rows can be exported to. */
export const EXPORT_FORMATS = ["parquet", "arrow", "csv", "jsonl"] as const;
/** One of them. */
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/**
 * Writes all rows of campaigns, files or a table into one file: Parquet by DuckDB, the others as `saveRows` does. Columns
 * are those that at least one row fills, in the schema's order. The format is that of the
 * file's extension unless one is given. The file appears when it is whole.
 *
 * @returns how many rows were written
 */
export async function exportRows(
  from: QuerySource,
  file: string,
  { format = formatOf(file), ...options }: WarningOptions & { format?: ExportFormat } = {},
): Promise<number> {
  return await withRows(from, options, EVERY_ROW, async (db) => {
    const [rows, select] = await filledColumns(db);
    if (rows === 0) throw new UserError(`${file} was not written: there is no row.`);
    if (format === "parquet")
      await writeWholeFile(file, async (draft) => {
        await db.connection.run(`COPY (${select}) TO ${literal(draft)} (FORMAT parquet, COMPRESSION zstd)`);
      });
    else await writeWhole(file, encodeRows(await db.select(select), `rows.${format}`));
    return rows;
  });
}

/** No column may be missed, however late it first appears. */
const EVERY_ROW = -1;

function formatOf(file: string): ExportFormat {
  const extension = extname(file).slice(1).toLowerCase();
  const format = EXPORT_FORMATS.find((one) => one === extension);
  if (format) return format;
  throw new UserError(
    `${file} has no known extension; rows are exported to ${EXPORT_FORMATS.map((one) => `.${one}`).join(", ")}.`,
  );
}

/** How many rows there are, and the query for the columns that one of them fills. */
async function filledColumns(db: DuckDb): Promise<[rows: number, select: string]> {
  const described: ColumnTable = await db.select("SELECT column_name FROM (DESCRIBE rows)");
  const names = (described.array("column_name") as string[]).filter((name) => name !== "file");
  const counts = names.map((name, i) => `count(${identifier(name)}) AS c${i}`);
  const [row] = (await db.select(`SELECT count(*) AS n, ${counts.join(", ")} FROM rows`)).objects() as Record<
    string,
    number
  >[];
  const filled = names.filter((_, i) => row![`c${i}`]! > 0);
  const columns = [
    ...COLUMN_NAMES.filter((name) => filled.includes(name)),
    ...filled.filter((name) => columnType(name) === undefined),
  ];
  return [row!.n!, `SELECT ${columns.map(identifier).join(", ")} FROM rows`];
}
