import { table as fromColumns, type ColumnTable } from "arquero";
import { seriesColumns } from "./columns.js";
import { fitAt, observationsOf } from "./fit-form.js";
import type { ScalingFit } from "./fit-scaling.js";
import type { Point } from "./weighting.js";

/** A sample is worth a look from here on (Cook 1977 compares with the median of F, which is near 1). */
const NOTABLE = 1;

interface Residual {
  fit: ScalingFit;
  length: number;
  value: number;
  residual: number;
  standardized: number | null;
  leverage: number;
  cooksDistance: number | null;
  lengthCooksDistance: number | null;
  robustWeight: number;
}

/**
 * Every sample of the fits against its curve, a row a sample: the series' columns, `prompt_tokens`, `metric`,
 * `value`, `fitted`, `residual` in the metric's unit, `relative_residual`, `standardized_residual` (r√w/(s√(1−h)), among some
 * twenty one beyond 2), `leverage` h in [0, 1], the pull of the sample on its own prediction, `cooks_distance`, by how
 * much the curve would move without it, `length_cooks_distance`, the same without all samples of its length (repeats
 * that are wrong together hide one another), `influential` (one of the two is above 1), and `robust_weight`, what a robust
 * fit left of it. All is given the break or exponent found. Columns with s are null without scatter.
 *
 * @example
 * residualTable(fits).orderby(desc("cooks_distance")).print();
 */
export function residualTable(fits: readonly ScalingFit[]): ColumnTable {
  const rows = fits.flatMap(residualsOf);
  return fromColumns({
    ...seriesColumns(rows.map(({ fit }) => fit.series)),
    prompt_tokens: rows.map(({ length }) => length),
    metric: rows.map(({ fit }) => fit.metric),
    value: rows.map(({ value }) => value),
    fitted: rows.map(({ value, residual }) => value - residual),
    residual: rows.map(({ residual }) => residual),
    relative_residual: rows.map(({ value, residual }) =>
      value === residual ? null : residual / (value - residual),
    ),
    standardized_residual: rows.map(({ standardized }) => standardized),
    leverage: rows.map(({ leverage }) => leverage),
    cooks_distance: rows.map(({ cooksDistance }) => cooksDistance),
    length_cooks_distance: rows.map(({ lengthCooksDistance }) => lengthCooksDistance),
    influential: rows.map(
      ({ cooksDistance, lengthCooksDistance }) =>
        Math.max(cooksDistance ?? 0, lengthCooksDistance ?? 0) > NOTABLE,
    ),
    robust_weight: rows.map(({ robustWeight }) => robustWeight),
  });
}

function residualsOf(fit: ScalingFit): Residual[] {
  const { points, robustWeights } = fit.inference.estimate;
  const lengths = observationsOf(points);
  const ofLengths = influences(fit, lengths);
  const byLength = new Map(lengths.map(({ length }, i) => [length, ofLengths[i]!.cooksDistance]));
  return influences(fit, points).map((influence, i) => {
    const { length, value } = points[i]!;
    const lengthCooksDistance = byLength.get(length)!;
    return { fit, length, value, ...influence, lengthCooksDistance, robustWeight: robustWeights[i]! };
  });
}

/** Residuals and influence of points that count singly: samples, or the means of lengths. */
function influences(
  { inference: { estimate } }: ScalingFit,
  points: readonly Point[],
): Pick<Residual, "residual" | "standardized" | "leverage" | "cooksDistance">[] {
  const { curve, form, shape } = estimate;
  const { leverages, unitErrors } = fitAt(points, form, shape);
  const free = unitErrors.filter((error) => error !== null).length;
  const residuals = points.map(({ length, value }) => value - curve.at(length));
  const spare = points.length - free;
  const squares = residuals.reduce((sum, residual, i) => sum + points[i]!.weight * residual ** 2, 0);
  const deviation = spare > 0 && squares > 0 ? Math.sqrt(squares / spare) : null;
  return points.map(({ weight }, i) => {
    const [residual, leverage] = [residuals[i]!, leverages[i]!];
    const room = 1 - leverage;
    const standardized =
      deviation === null || room < 1e-9 ? null : (residual * Math.sqrt(weight / room)) / deviation;
    const cooksDistance =
      standardized === null || free === 0 ? null : (standardized ** 2 * leverage) / (free * room);
    return { residual, standardized, leverage, cooksDistance };
  });
}
