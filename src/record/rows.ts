import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { fromDanfo, isFrame, type FrameLike } from "./danfo.js";
import type { Row } from "./schema.js";
import { rowsToTable } from "./table.js";

/** What is taken wherever a table is: an arquero table as it is filtered and ordered, plain rows, a danfo.js DataFrame. */
export type Rows = ColumnTable | readonly Row[] | FrameLike;

/** Rows as an arquero table, which stays itself. UserError for what is none of the three. */
export function asTable(rows: Rows): ColumnTable {
  if (isTable(rows)) return rows;
  if (isFrame(rows)) return fromDanfo(rows);
  if (isList(rows)) return rowsToTable(rows);
  throw new UserError(
    `the rows are ${kindInWords(rows)}: they must be a table or an array of rows or a danfo.js DataFrame`,
  );
}

const isTable = (rows: Rows): rows is ColumnTable =>
  typeof (rows as Partial<ColumnTable> | null | undefined)?.numRows === "function";

/** As `Array.isArray`, which does not know readonly arrays. */
const isList = (rows: Rows): rows is readonly Row[] => Array.isArray(rows);

const kindInWords = (value: unknown): string => (value == null ? String(value) : `of type ${typeof value}`);
