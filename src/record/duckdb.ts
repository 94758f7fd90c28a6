/**
 * The one door to DuckDB, the database in a process that answers SQL. Its library (70 MB) is loaded by the first call;
 * importing this module loads nothing.
 */
import { table, type ColumnTable } from "arquero";
import { UserError } from "../errors.js";

/** A database in memory. It never loads extensions, which DuckDB would fetch from the network by itself. */
export async function openDuckDb() {
  const { DuckDBInstance, JSDuckDBValueConverter, DuckDBDataChunk, listValue } = await loadDuckDb();
  const instance = await DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  const connection = await instance.connect();
  return {
    connection,
    /** The result of the last statement, column by column: a row object for each of a million rows takes ten times as long. */
    async select(sql: string): Promise<ColumnTable> {
      const result = await connection.run(sql);
      const columns = await result.convertColumns(JSDuckDBValueConverter);
      const names = result.deduplicatedColumnNames();
      return table(names.map((name, i): [string, unknown[]] => [name, columns[i]!.map(plainNumber)]));
    },
    /** Fills a table that was created with columns of the same order and types: numbers, booleans, texts and lists of them. */
    async append(name: string, columns: readonly (readonly Cell[])[]): Promise<void> {
      const appender = await connection.createAppender(name);
      const types = columns.map((_, i) => appender.columnType(i));
      const rows = columns[0]?.length ?? 0;
      for (let start = 0; start < rows; start += CHUNK_ROWS) {
        const chunk = DuckDBDataChunk.create(types, Math.min(CHUNK_ROWS, rows - start));
        for (const [i, cells] of columns.entries())
          chunk.setColumnValues(
            i,
            cells.slice(start, start + CHUNK_ROWS).map((cell) => (isList(cell) ? listValue(cell) : cell)),
          );
        appender.appendDataChunk(chunk);
      }
      appender.closeSync();
    },
    close(): void {
      connection.closeSync();
      instance.closeSync();
    },
  };
}

export type DuckDb = Awaited<ReturnType<typeof openDuckDb>>;

/** What a cell of a table that is handed to DuckDB may be. */
export type Cell = string | number | boolean | null | readonly number[] | readonly string[];

/** As many rows as DuckDB's vectors have. */
const CHUNK_ROWS = 2048;

const isList = (cell: Cell): cell is readonly number[] | readonly string[] => Array.isArray(cell);

/** A count is a 64-bit integer in DuckDB, which JavaScript does not add to a number. */
const plainNumber = (value: unknown): unknown =>
  typeof value === "bigint" && Number.isSafeInteger(Number(value)) ? Number(value) : value;

/** A text, or a path, as SQL writes it. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A name of a column or view as SQL writes it. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

async function loadDuckDb() {
  try {
    return await import("@duckdb/node-api");
  } catch (cause) {
    throw new UserError(
      `SQL and Parquet need DuckDB, which is not installed or not built for ${process.platform}-${process.arch}: npm install @duckdb/node-api`,
      { cause },
    );
  }
}
