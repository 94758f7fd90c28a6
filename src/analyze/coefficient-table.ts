import { table as fromColumns, type ColumnTable } from "arquero";
import { bisect, profileInterval, studentQuantile } from "../stats/index.js";
import { seriesColumns } from "./columns.js";
import { fitAt } from "./fit-form.js";
import type { ScalingFit } from "./fit-scaling.js";
import { boundsOf, coefficientNames, coefficientUnit, designOf, shapeKind, type Shape } from "./forms.js";
import { checkConfidence } from "./resampling.js";

/** How sure the intervals are. */
export interface CoefficientTableOptions {
  /** Of the intervals; default 0.95. */
  confidence?: number;
}

/** One coefficient, or the break or exponent, of one fit. */
interface Determined {
  coefficient: string;
  unit: string;
  value: number;
  interval: readonly [lo: number, hi: number] | null;
  atBound: boolean;
}

/**
 * The coefficients of fits with their intervals, a row each: the series' columns, `metric`, `form`, `coefficient` (a, b,
 * c, d, `break_tokens`, `exponent`), `form_chosen`, `unit`, `value`, `lo`, `hi`, `at_bound`, and what the interval is judged by:
 * `scatter` and `degrees_of_freedom`.
 *
 * Intervals are of the profile likelihood: the values at which the others, bounds and break included, can still keep
 * Σwr² within s²·t² of its least, t Student's quantile. Without a bound in reach that is the t-interval. A coefficient
 * at its bound has an interval from 0, which holds the truth more often than it says; the others then less often: where
 * c is truly 0, that of b 92 % of the time and the mean at the longest lengths 90 % instead of 95. Log and robust fits are
 * judged by their last linear step. All is given the form: where it was chosen from the same data (`form_chosen`), the
 * choice is not part of the uncertainty. lo and hi are null where no sample is to spare, and of a break that was given.
 */
export function coefficientTable(
  fits: ScalingFit | readonly ScalingFit[],
  { confidence = 0.95 }: CoefficientTableOptions = {},
): ColumnTable {
  checkConfidence(confidence);
  const rows = [fits]
    .flat()
    .flatMap((fit) => coefficientIntervals(fit, confidence).map((found) => ({ fit, found })));
  return fromColumns({
    ...seriesColumns(rows.map(({ fit }) => fit.series)),
    metric: rows.map(({ fit }) => fit.metric),
    form: rows.map(({ fit }) => fit.form),
    form_chosen: rows.map(({ fit }) => fit.candidates !== null),
    coefficient: rows.map(({ found }) => found.coefficient),
    unit: rows.map(({ found }) => found.unit),
    value: rows.map(({ found }) => found.value),
    lo: rows.map(({ found }) => found.interval?.[0] ?? null),
    hi: rows.map(({ found }) => found.interval?.[1] ?? null),
    at_bound: rows.map(({ found }) => found.atBound),
    scatter: rows.map(({ fit }) => fit.scatter),
    degrees_of_freedom: rows.map(({ fit }) => fit.degreesOfFreedom),
  });
}

/** The coefficients of one fit, then its break or exponent, with their intervals. */
export function coefficientIntervals(fit: ScalingFit, confidence: number): Determined[] {
  const { estimate, scatter } = fit.inference;
  const { form, observations, shapes, shape } = estimate;
  const allowed =
    scatter &&
    estimate.fit.residualSum +
      scatter.variance * studentQuantile((1 + confidence) / 2, scatter.degreesOfFreedom) ** 2;
  const found = coefficientNames(form).map((coefficient, column): Determined => {
    const value = estimate.fit.coefficients[column]!;
    const interval = allowed === null ? null : hull(shapesWithin(estimate, allowed).flatMap(profileOf));
    return {
      coefficient,
      unit: coefficientUnit(form, coefficient, fit.unit),
      value,
      interval,
      atBound: value === 0 && boundsOf(form)[column]!,
    };

    function profileOf(at: Shape): (readonly [number, number])[] {
      const interval = profileInterval(
        designOf(form, at, fit.lengths),
        observations.map((observation) => observation.value),
        column,
        allowed!,
        { weights: observations.map(({ weight }) => weight), nonNegative: boundsOf(form) },
      );
      return interval ? [interval] : [];
    }
  });
  const kind = shapeKind(form);
  if (kind === null) return found;
  const interval = allowed === null || shapes.length === 1 ? null : shapeInterval(estimate, allowed);
  const [coefficient, unit] = kind === "break" ? ["break_tokens", "tokens"] : ["exponent", ""];
  return [...found, { coefficient, unit, value: shape!, interval, atBound: false }];
}

type Inferred = ScalingFit["inference"]["estimate"];

/** The shapes, the best among them, that can keep Σwr² within what is allowed. */
function inRange({ observations, form, shape, shapes }: Inferred, allowed: number): Shape[] {
  const others = shapes.filter((other) => other !== shape);
  return [shape, ...others.filter((other) => fitAt(observations, form, other).residualSum <= allowed)];
}

/** The same with the ends of an exponent's interval, between those tried, where other coefficients are furthest off. */
function shapesWithin(estimate: Inferred, allowed: number): Shape[] {
  const tried = inRange(estimate, allowed);
  return shapeKind(estimate.form) === "exponent" ? [...tried, ...shapeInterval(estimate, allowed)] : tried;
}

/** From the first to the last shape within what is allowed; of an exponent, to where it ends between those tried. */
function shapeInterval(estimate: Inferred, allowed: number): readonly [number, number] {
  const { observations, form, shapes } = estimate;
  const inside = inRange(estimate, allowed).map(Number);
  const [lo, hi] = [Math.min(...inside), Math.max(...inside)];
  if (shapeKind(form) === "break") return [lo, hi];
  const isAllowed = (exponent: number): boolean => fitAt(observations, form, exponent).residualSum <= allowed;
  const below = shapes.map(Number).findLast((other) => other < lo);
  const above = shapes.map(Number).find((other) => other > hi);
  return [
    below === undefined ? lo : bisect(isAllowed, lo, below),
    above === undefined ? hi : bisect(isAllowed, hi, above),
  ];
}

function hull(intervals: readonly (readonly [lo: number, hi: number])[]): readonly [number, number] | null {
  if (intervals.length === 0) return null;
  return [Math.min(...intervals.map(([lo]) => lo)), Math.max(...intervals.map(([, hi]) => hi))];
}
