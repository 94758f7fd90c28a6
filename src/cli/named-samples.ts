import type { ColumnTable } from "arquero";
import { CELL_COLUMNS, figurePoints } from "../analyze/index.js";
import { rowsToTable, tableToRows, type Row } from "../record/index.js";

const SETTINGS = [...CELL_COLUMNS, "memory_limit_bytes"].filter((name) => name !== "model") as (keyof Row)[];

const settingOf = (row: Row): string => JSON.stringify(SETTINGS.map((name) => row[name] ?? null));

/**
 * Samples under the names that `figurePoints` gives the series of a model that was run under several settings, so that
 * fits, comparisons and points of one figure call a series the same.
 */
export function namedSamples(table: ColumnTable): ColumnTable {
  const names = new Map<string, string[]>();
  for (const cell of figurePoints(table).objects() as Row[]) {
    const setting = settingOf(cell);
    names.set(setting, [...(names.get(setting) ?? []), cell.model ?? ""]);
  }
  return rowsToTable(
    tableToRows(table).map((row) => {
      const name = names
        .get(settingOf(row))
        ?.find((one) => one === row.model || one.startsWith(`${row.model} (`));
      return name === undefined ? row : { ...row, model: name };
    }),
  );
}
