import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { asTable, rowsToTable, tableToRows, type Row, type Rows } from "../record/index.js";
import { CELL_COLUMNS, RUN_COLUMNS } from "./columns.js";
import { SUMMARY_METRICS } from "./metrics.js";
import { presentColumns } from "./rows.js";
import { summarize } from "./summarize.js";

/** Kinds of which a row is a fact, not a sample. */
const FACTS: readonly (string | null | undefined)[] = ["accuracy", "limit", "operators"];

/** What makes cells for a figure: a budget of memory is a setting like any other. */
const CELLS = [...CELL_COLUMNS, "memory_limit_bytes"] as const;
const METRICS = [...SUMMARY_METRICS, "table_bytes"] as const;

/** Settings that part the series of one model, so they belong to the name of a series. */
const NAMED = [...RUN_COLUMNS.slice(1), "weights", "new_tokens", "memory_limit_bytes"] as const;

/** The rows that a figure of the paper shows, by its number there. UserError where there are none. */
export function rowsOfFigure(given: Rows, number: string): ColumnTable {
  const rows = tableToRows(asTable(given)).filter(({ figure }) => figure?.split(" ").includes(number));
  if (rows.length > 0) return rowsToTable(rows);
  throw new UserError(`no row is of figure ${number}: its column figure must name it`);
}

/**
 * A table as the figures of the paper take it: cells summarized (`summarize`), rows of accuracy, limits and operators
 * as they are. A cache below 0, which a difference of two peaks can give (W10), is left out. A model that was run under
 * several settings has these in its name, so that each is a series of its own.
 *
 * @example
 * const paper = figurePoints(rowsOfFigure(loadPaper(), "6a"));
 * PAPER_FIGURES.fig6a.draw({ paper, rows: figurePoints(loadRows("out/mine")) });
 */
export function figurePoints(given: Rows): ColumnTable {
  const rows = tableToRows(asTable(given)).map(withoutNegativeCache);
  const facts = rows.filter(({ kind }) => FACTS.includes(kind));
  const samples = rowsToTable(rows.filter(({ kind }) => !FACTS.includes(kind)));
  const metrics = presentColumns(samples, METRICS);
  // Rows of runs that all failed have no metric, and are findings all the same.
  const cells =
    samples.numRows() === 0
      ? []
      : (summarize(samples, { by: presentColumns(samples, CELLS), metrics }).objects() as Row[]);
  return rowsToTable([...namedBySetting(cells), ...facts]);
}

const withoutNegativeCache = (row: Row): Row =>
  (row.kv_cache_bytes ?? 0) < 0 ? { ...row, kv_cache_bytes: null } : row;

const settingText = (cell: Row, column: (typeof NAMED)[number]): string =>
  column === "memory_limit_bytes" ? `${cell[column]! / 2 ** 30} GiB` : String(cell[column]);

function namedBySetting(cells: readonly Row[]): Row[] {
  const differing = new Map<string, (typeof NAMED)[number][]>();
  return cells.map((cell) => {
    const model = cell.model ?? "unnamed model";
    const settings =
      differing.get(model) ??
      NAMED.filter((column) => {
        const values = cells.filter((one) => one.model === cell.model && one[column] != null);
        return new Set(values.map((one) => settingText(one, column))).size > 1;
      });
    differing.set(model, settings);
    const values = settings.flatMap((column) => (cell[column] == null ? [] : [settingText(cell, column)]));
    return { ...cell, model: values.length > 0 ? `${model} (${values.join(", ")})` : model };
  });
}
