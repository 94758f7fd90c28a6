import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { COLUMNS, type ColumnName } from "../record/schema.js";
import { SERIES_COLUMNS, type Series } from "./columns.js";
import { unitOf } from "./metrics.js";
import {
  allRows,
  columnValues,
  groupRows,
  inWords,
  isOk,
  metricValues,
  presentColumns,
  refuseMixedKinds,
} from "./rows.js";

/** One reading of a metric at a prompt length in tokens. */
export interface Sample {
  length: number;
  /** In the metric's unit. */
  value: number;
  /** Which repeat of its cell it was; what a paired comparison pairs by. */
  repeat?: number | null;
}

/** The samples of a metric for one series, without a curve. A `ScalingFit` is one too. */
export interface SampleSeries {
  series: Series;
  metric: ColumnName;
  unit: string;
  points: readonly Sample[];
}

/**
 * One series for the rows that agree in every column of SERIES_COLUMNS. Only successful rows that have the metric
 * count. UserError if that leaves no row, rows of several kinds, or a metric that is not a number.
 */
export function sampleSeries(table: ColumnTable, { metric }: { metric: ColumnName }): SampleSeries[] {
  if (!Object.hasOwn(COLUMNS, metric) || COLUMNS[metric].type !== "number")
    throw new UserError(`metric is ${metric}: it must be a column of numbers`);
  const statuses = columnValues(table, "status");
  const values = columnValues(table, metric);
  const rows = allRows(table).filter((row) => isOk(statuses[row]) && values[row] != null);
  if (rows.length === 0)
    throw new UserError(`none of the ${table.numRows()} rows succeeded and has a ${metric}`);
  refuseMixedKinds(table, rows);
  return groupRows(table, presentColumns(table, SERIES_COLUMNS), rows).map((group) => ({
    series: Object.fromEntries(Object.entries(group.key).filter(([, value]) => value !== null)),
    metric,
    unit: unitOf(metric),
    points: readSamples(table, metric, group.rows),
  }));
}

function readSamples(table: ColumnTable, metric: ColumnName, rows: readonly number[]): Sample[] {
  const lengths = columnValues(table, "prompt_tokens");
  const repeats = columnValues(table, "repeat");
  const values = metricValues(table, metric, rows);
  return rows.map((row, i) => {
    const length = lengths[row];
    if (typeof length !== "number" || !(length > 0 && length < Infinity))
      throw new UserError(
        `prompt_tokens is ${inWords(length)} in row ${row}: a comparison needs a positive length`,
      );
    const repeat = repeats[row];
    return { length, value: values[i]!, repeat: typeof repeat === "number" ? repeat : null };
  });
}

/** Shortest and longest length of a series' samples. */
export function rangeOf({ points }: SampleSeries): [shortest: number, longest: number] {
  const lengths = points.map(({ length }) => length);
  return [Math.min(...lengths), Math.max(...lengths)];
}
