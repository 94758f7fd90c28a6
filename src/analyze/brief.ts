import type { ColumnTable } from "arquero";
import { SERIES_COLUMNS } from "./columns.js";
import { asTable, type Rows } from "../record/rows.js";
import { allRows, columnValues, presentColumns } from "./rows.js";

/**
 * The table without the settings that all its rows share, for reading; the model stays. Which they are is in the rows it
 * came from.
 *
 * @example
 * brief(speedup(table, { metric: "ttft_ms", baseline: "qwen2.5-0.5b" })).print();
 */
export function brief(given: Rows): ColumnTable {
  const table = asTable(given);
  const rows = allRows(table);
  const isShared = (name: string): boolean => {
    const values = columnValues(table, name);
    return rows.every((row) => values[row] === values[rows[0]!]);
  };
  const shared = presentColumns(table, SERIES_COLUMNS).filter((name) => name !== "model" && isShared(name));
  return table.select(table.columnNames((name) => !(shared as readonly string[]).includes(name)));
}
