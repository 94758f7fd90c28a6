import { UserError } from "../errors.js";
import { COLUMNS, type ColumnName } from "../record/schema.js";
import type { Series } from "./columns.js";
import { unitOf } from "./metrics.js";
import { readSeries } from "./read-series.js";
import { required } from "./resampling.js";
import type { Rows } from "./rows.js";
import type { Sample } from "./weighting.js";

/** The samples of a metric for one series, without a curve. A `ScalingFit` is one too. */
export interface SampleSeries {
  series: Series;
  metric: ColumnName;
  unit: string;
  points: readonly Sample[];
}

/**
 * One series for the rows that agree in every column of SERIES_COLUMNS, as `fitScaling` reads them, for any column of
 * numbers and any number of lengths.
 *
 * @example
 * const [qwen, mamba] = sampleSeries(table, { metric: "decode_tokens_per_s" });
 */
export function sampleSeries(given: Rows, options: { metric: ColumnName }): SampleSeries[] {
  const { metric } = required(options, "metric");
  if (!Object.hasOwn(COLUMNS, metric) || COLUMNS[metric].type !== "number")
    throw new UserError(`metric is ${metric}: it must be a column of numbers`);
  return readSeries(given, { metric }, "uniform").map(({ series, samples }) => ({
    series,
    metric,
    unit: unitOf(metric),
    points: samples,
  }));
}

/** Shortest and longest length of a series' samples. */
export function rangeOf({ points }: SampleSeries): [shortest: number, longest: number] {
  const lengths = points.map(({ length }) => length);
  return [Math.min(...lengths), Math.max(...lengths)];
}
