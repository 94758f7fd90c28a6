import { bool, dictionary, float64, list, utf8, type DataType } from "@uwdata/flechette";
import { fromArrow, type ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { columnType, firstMismatch } from "./check.js";
import type { ColumnType } from "./schema.js";
import { rowsToTable, tableToRows } from "./table.js";

/** Arrow types by the schema's; text repeats from row to row (model, device, ...), so it is dictionary-encoded. */
const ARROW_TYPES: Record<ColumnType, () => DataType> = {
  string: () => dictionary(utf8()),
  number: () => float64(),
  boolean: () => bool(),
  "number[]": () => list(float64()),
  "string[]": () => list(utf8()),
};

/** Arrow IPC, file format. A column the schema does not know gets the type flechette infers from its values. */
export function tableToArrow(table: ColumnTable): Uint8Array {
  const rows = tableToRows(table);
  for (const row of rows) {
    const wrong = firstMismatch(row);
    if (wrong !== null) throw new UserError(`The Arrow file was not written: ${wrong}.`);
  }
  const filled = rowsToTable(rows);
  const types: Record<string, DataType> = {};
  for (const name of filled.columnNames()) {
    const type = columnType(name);
    if (type !== undefined) types[name] = ARROW_TYPES[type]();
  }
  return filled.toArrowIPC({ format: "file", types });
}

/** Reads Arrow IPC, file or stream format, whoever wrote it. */
export function arrowToTable(bytes: Uint8Array, file: string): ColumnTable {
  const rows = tableToRows(decode(bytes, file));
  for (const [index, row] of rows.entries()) {
    const wrong = firstMismatch(row);
    if (wrong !== null) throw new UserError(`${file} row ${index + 1}: ${wrong}.`);
  }
  return rowsToTable(rows);
}

/** flechette fails on cut bytes in many ways, and takes some for a table without columns. */
function decode(bytes: Uint8Array, file: string): ColumnTable {
  let cause: unknown;
  try {
    const table = fromArrow(bytes);
    if (table.numCols() > 0) return table;
  } catch (error) {
    cause = error;
  }
  throw new UserError(`${file} is not a whole Arrow IPC file: it is cut or of another format.`, { cause });
}
