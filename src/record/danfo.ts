import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { firstMismatch } from "./check.js";
import type { Row } from "./schema.js";
import { rowsToTable, tableToRows } from "./table.js";

/** What a notebook uses most of a danfo.js Series. */
export interface DanfoSeries {
  readonly values: unknown;
  /** Of the numbers. */
  mean(): number;
  /** Of the numbers. */
  median(): number;
  /** Sample standard deviation. */
  std(): number;
  /** To standard output. */
  print(): void;
}

/** What a notebook uses most of a danfo.js DataFrame. The object itself is danfo's own and has all of it. */
export interface DanfoFrame {
  readonly columns: string[];
  /** Rows and columns. */
  readonly shape: number[];
  /** Cells, row by row. */
  readonly values: unknown;
  /** The first rows; default 5. */
  head(rows?: number): DanfoFrame;
  /** The last rows; default 5. */
  tail(rows?: number): DanfoFrame;
  /** One column. */
  column(name: string): DanfoSeries;
  /** Count, mean, deviation, extremes and quartiles of each column of numbers. */
  describe(): DanfoFrame;
  /** To standard output. */
  print(): void;
}

/** danfo's name of a column's type. `float32` is only a name: danfo keeps JavaScript's doubles. */
const dtypeOf = (cells: unknown[]): string => {
  const kinds = new Set(cells.filter((cell) => cell !== null).map((cell) => typeof cell));
  if (kinds.size === 1 && kinds.has("number")) return "float32";
  return kinds.size === 1 && kinds.has("boolean") ? "boolean" : "string";
};

/**
 * A danfo.js DataFrame of a table, with arrays kept as cells. A missing number or boolean is NaN there: danfo leaves
 * NaN out, but adds, sorts and compares null as 0. danfo is loaded by the first call (0.7 s, 280 MB).
 */
export async function toDanfo(table: ColumnTable): Promise<DanfoFrame> {
  const { DataFrame } = await import("danfojs-node");
  const columns = table.columnNames();
  const rows: readonly Record<string, unknown>[] = tableToRows(table);
  const dtypes = columns.map((name) => dtypeOf(rows.map((row) => row[name] ?? null)));
  const missing = dtypes.map((dtype) => (dtype === "string" ? null : NaN));
  const cells = rows.map((row) => columns.map((name, i) => row[name] ?? missing[i]));
  return new DataFrame(cells, { columns, dtypes });
}

/** What is read of a danfo.js DataFrame, whichever of its packages (Node or browser) made it. */
export type FrameLike = Pick<DanfoFrame, "columns" | "shape" | "values">;

/** Whether a value is a danfo.js DataFrame; its Series has one dimension. */
export function isFrame(value: unknown): value is FrameLike {
  const { columns, shape, values } = (value ?? {}) as Partial<FrameLike>;
  return Array.isArray(columns) && Array.isArray(shape) && shape.length === 2 && Array.isArray(values);
}

/** A table of a danfo.js DataFrame: NaN, undefined and null are missing. Throws `UserError` for a wrong type. */
export function fromDanfo(frame: Pick<DanfoFrame, "columns" | "values">): ColumnTable {
  const rows = (frame.values as unknown[][]).map((cells, index): Row => {
    const filled = cells.map((cell) => (Number.isNaN(cell) ? null : (cell ?? null)));
    const row: Row = Object.fromEntries(frame.columns.map((name, i) => [name, filled[i]]));
    const wrong = firstMismatch(row);
    if (wrong !== null) throw new UserError(`Row ${index} of the data frame: ${wrong}.`);
    return row;
  });
  return rowsToTable(rows);
}
