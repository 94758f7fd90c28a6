import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import type { RandomIndex } from "../stats/index.js";
import { SERIES_COLUMNS, type Series } from "./columns.js";
import {
  asQuadratic,
  COEFFICIENTS,
  fitCurve,
  resampleCurves,
  smoothCurve,
  weighPoints,
  type Curve,
  type Point,
} from "./curve.js";
import {
  checkFitMetric,
  checkWeighting,
  FIT_METRICS,
  unitOf,
  type FitMetricName,
  type Form,
  type Weighting,
} from "./metrics.js";
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
import { seriesLabel } from "./series-label.js";

export interface FitScalingOptions {
  metric: FitMetricName;
  /** How deviations count; FIT_METRICS gives each metric's default and says why. */
  weighting?: Weighting;
}

/** A metric as a curve over the prompt length L in tokens, for one series. */
export interface ScalingFit {
  series: Series;
  metric: FitMetricName;
  /** Unit of the metric, of a and of predictions; b is this a token, c this a token squared. */
  unit: string;
  form: Form;
  weighting: Weighting;
  /** c is 0 in a linear form. */
  coefficients: { a: number; b: number; c: number };
  /** null for a coefficient at its bound of 0 or not in the form, and for all where no sample is to spare. */
  standardErrors: { a: number | null; b: number | null; c: number | null };
  /** Share of the weighted variance that the curve explains; null where the metric does not vary. */
  r2: number | null;
  /** Root of Σw(y − ŷ)²/Σwy²: with relative weights the typical deviation as a share of the value. */
  residual: number;
  /** Samples. */
  n: number;
  /** Samples minus coefficients that are not at their bound. */
  degreesOfFreedom: number;
  /** Distinct lengths in ascending order. */
  lengths: number[];
  /** Shortest and longest length. */
  range: [shortest: number, longest: number];
  /** The samples fitted, in order of length, for whoever resamples them. */
  points: Point[];
  /** The metric at a length in tokens, in `unit`. */
  predict: (length: number) => number;
  /** The same with the lengths where it jumps or kinks. */
  curve: Curve;
  /** Bootstrap replicates of the curve (see `resampleCurves`). */
  resample: (replicates: number, random: RandomIndex) => Curve[];
}

/**
 * One fit a series: rows that agree in every column of SERIES_COLUMNS. Only successful rows that have the metric
 * count. UserError if that leaves no row, rows of several kinds, or a series with too few lengths to determine its
 * curve.
 *
 * @example
 * const [qwen, mamba] = fitScaling(table, { metric: "ttft_ms" });
 * describeCrossover(crossover(qwen, mamba));
 */
export function fitScaling(table: ColumnTable, options: FitScalingOptions): ScalingFit[] {
  const { metric } = options;
  checkFitMetric(metric);
  const { form } = FIT_METRICS[metric];
  const weighting = options.weighting ?? FIT_METRICS[metric].weighting;
  checkWeighting(weighting);
  const rows = rowsWith(table, metric);
  refuseMixedKinds(table, rows);
  return groupRows(table, presentColumns(table, SERIES_COLUMNS), rows).map((group) => {
    const series = Object.fromEntries(
      Object.entries(group.key).filter(([, value]) => value !== null),
    ) as Series;
    const samples = readSamples(table, metric, group.rows);
    return fitSeries(series, samples, metric, form, weighting);
  });
}

/** Rows that succeeded and have the metric; UserError that says what was dropped if there are none. */
function rowsWith(table: ColumnTable, metric: FitMetricName): number[] {
  const every = allRows(table);
  const statuses = columnValues(table, "status");
  const values = columnValues(table, metric);
  const ok = every.filter((row) => isOk(statuses[row]));
  const measured = ok.filter((row) => values[row] != null);
  if (measured.length === 0)
    throw new UserError(
      `no row is left to fit ${metric}: of ${every.length} rows ${every.length - ok.length} have a status other ` +
        `than ok and ${ok.length - measured.length} have no ${metric}`,
    );
  return measured;
}

type Sample = Omit<Point, "weight">;

function readSamples(table: ColumnTable, metric: FitMetricName, rows: readonly number[]): Sample[] {
  const lengths = columnValues(table, "prompt_tokens");
  const values = metricValues(table, metric, rows);
  return rows.map((row, i) => {
    const length = lengths[row];
    if (typeof length !== "number" || !(length > 0 && length < Infinity))
      throw new UserError(`prompt_tokens is ${inWords(length)} in row ${row}: a fit needs a positive length`);
    return { length, value: values[i]! };
  });
}

function fitSeries(
  series: Series,
  samples: readonly Sample[],
  metric: FitMetricName,
  form: Form,
  weighting: Weighting,
): ScalingFit {
  refuseUnfit(series, samples, metric, form, weighting);
  const points = weighPoints(samples, weighting);
  const lengths = [...new Set(points.map(({ length }) => length))];
  const { coefficients, standardErrors, r2, residuals, degreesOfFreedom } = fitCurve(points, form);
  const [a, b, c] = asQuadratic(coefficients);
  const curve = smoothCurve([a, b, c]);
  const [aError, bError, cError] = standardErrors;
  return {
    series,
    metric,
    unit: unitOf(metric),
    form,
    weighting,
    coefficients: { a, b, c },
    standardErrors: { a: aError ?? null, b: bError ?? null, c: cError ?? null },
    r2,
    residual: relativeResidual(points, residuals),
    n: points.length,
    degreesOfFreedom,
    lengths,
    range: [lengths[0]!, lengths[lengths.length - 1]!],
    points,
    predict: (length) => curve.at(length),
    curve,
    resample: (replicates, random) => resampleCurves(points, form, replicates, random).map(smoothCurve),
  };
}

function refuseUnfit(
  series: Series,
  samples: readonly Sample[],
  metric: FitMetricName,
  form: Form,
  weighting: Weighting,
): void {
  const lengths = new Set(samples.map(({ length }) => length)).size;
  const needed = COEFFICIENTS[form];
  if (lengths < needed)
    throw new UserError(
      `${seriesLabel(series)} has ${metric} at ${lengths} prompt length(s): a ${form} fit needs at least ${needed}`,
    );
  const zero = samples.find(({ value }) => value === 0);
  if (zero && weighting === "relative")
    throw new UserError(
      `${seriesLabel(series)} has a ${metric} of 0 at ${zero.length} tokens: ` +
        `a relative fit needs values above 0 (weighting: "uniform" allows 0)`,
    );
}

function relativeResidual(points: readonly Point[], residuals: readonly number[]): number {
  const squares = (values: readonly number[]): number =>
    values.reduce((sum, value, i) => sum + points[i]!.weight * value ** 2, 0);
  const size = squares(points.map(({ value }) => value));
  return size === 0 ? 0 : Math.sqrt(squares(residuals) / size);
}
