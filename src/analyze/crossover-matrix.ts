import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { comparedRow, readComparable, type PairOptions, type TableOptions } from "./compared-row.js";
import { tableOfRows } from "./crossover-table.js";
import type { Rows } from "./rows.js";
import type { SampleSeries } from "./samples.js";

/**
 * Every pair of series of one device (of any with `acrossDevices`), a row a pair: the columns of `crossoverTable`; by
 * the fits, also what the samples themselves say (`interpolated_state`, `interpolated_tokens`) and a `note` where
 * that differs; `says`, the sentence; `problem`, why a pair could not be compared. Of several crossings the last is
 * given, beyond which the order stays.
 *
 * Each row's confidence is its own: of twenty pairs that do not differ one may be told apart by chance. Who looks for any
 * difference among m pairs asks for a confidence of 1 − 0.05/m.
 *
 * @example
 * crossoverMatrix(table, { metric: "ttft_ms" }).print();
 * crossoverMatrix(fits).print();
 */
export function crossoverMatrix(rows: Rows, options: TableOptions): ColumnTable;
export function crossoverMatrix(series: readonly SampleSeries[], options?: PairOptions): ColumnTable;
export function crossoverMatrix(
  source: Rows | readonly SampleSeries[],
  options: TableOptions | PairOptions = {},
): ColumnTable {
  const series = isSeries(source) ? source : readComparable(source, options as TableOptions);
  const rows = series.flatMap((a, i) =>
    series
      .slice(i + 1)
      .filter((b) => options.acrossDevices === true || a.series.device === b.series.device)
      .map((b) => comparedRow(a, b, options)),
  );
  if (rows.length === 0)
    throw new UserError(
      `${series.length} series give no pair: a crossover needs two of one device (acrossDevices: true allows two)`,
    );
  return tableOfRows(rows);
}

const isSeries = (source: Rows | readonly SampleSeries[]): source is readonly SampleSeries[] =>
  Array.isArray(source) && source.every((one) => "points" in (one as object));
