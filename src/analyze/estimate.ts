import { pseudoResiduals, robustScale, robustWeights, tamed, type RobustLoss } from "../stats/index.js";
import { coefficientNames, type Form } from "./forms.js";
import { fitForm, observationsOf, refitShape, type FormFit, type Observation } from "./fit-form.js";
import {
  reweighPoints,
  weighPoints,
  type Point,
  type Sample,
  type VarianceModel,
  type Weighting,
} from "./weighting.js";

/** How a curve is sought. */
export interface EstimateOptions {
  weighting: Weighting;
  /** Limit the pull of outliers; null for plain least squares. */
  robust: RobustLoss | null;
  /** The break of a form that has one; null to search it. */
  at: number | null;
}

/** A form fitted to samples. */
export interface Estimate extends FormFit {
  weighting: Weighting;
  robust: RobustLoss | null;
  /** The samples with their weights. */
  points: Point[];
  variance: VarianceModel;
  /**
   * The points as the last linear step saw them, whose plain weighted least-squares fit is the curve: for log weights
   * values on the tangent, for a robust fit pseudo-values. Whatever is inferred is inferred from them.
   */
  working: Point[];
  /** Their means by length. */
  observations: Observation[];
  /** What the robust loss left of each point; 1 without one. */
  robustWeights: number[];
}

const MOST_STEPS = 200;
/** Each search for an exponent costs some milliseconds and brings a digit. */
const MOST_SEARCHES = 12;
/** A curve that moves by less, relative to itself, has arrived. */
const ARRIVED = 1e-11;
/** Scatter below this share of the values is rounding, not a scale to judge outliers by. */
const ROUNDING = 1e-9;
/** A curve is not taken to be lower than this share of a sample when logarithms are compared. */
const LEAST_SHARE = 1e-3;

/** Steps of weights taken from the curve: two are enough (`reweighPoints`). */
const REWEIGHTINGS = 2;

/**
 * The curve of a form through samples; null if their lengths are too few. Weights that go with the value are taken from
 * medians first, then from the curve; those of logarithms are on the tangent at any step.
 */
export function estimate(samples: readonly Sample[], form: Form, options: EstimateOptions): Estimate | null {
  const { weighting } = options;
  const { points, variance } = weighPoints(samples, weighting);
  let found = estimateWeighed(points, variance, form, options);
  if (weighting === "relative" || weighting === "measured")
    for (let step = 0; found && step < REWEIGHTINGS; step++)
      found = estimateWeighed(reweighPoints(points, variance, found.curve), variance, form, options);
  return found;
}

/**
 * The same of points with their weights. Log weights and robust losses make it a fixed point of linear fits:
 * Gauss–Newton steps for the first, fits of tamed residuals (Huber 1981, section 7.8) for the second.
 */
function estimateWeighed(
  points: Point[],
  variance: VarianceModel,
  form: Form,
  { weighting, robust, at }: EstimateOptions,
): Estimate | null {
  const start = fitForm(observationsOf(points), form, at);
  if (start === null) return null;
  const straight = (fit: FormFit): Point[] => (weighting === "log" ? tangent(points, fit) : points);
  const again = (working: readonly Point[]): FormFit => fitForm(observationsOf(working), form, at)!;
  const plain = weighting === "log" ? settle(start, straight, again) : start;
  const all = { points, variance, weighting, robust };
  if (robust === null) {
    const working = straight(plain);
    const observations = observationsOf(working);
    return { ...plain, ...all, working, observations, robustWeights: points.map(() => 1) };
  }
  const tame =
    (loss: RobustLoss) =>
    (fit: FormFit): Point[] => {
      const target = straight(fit);
      const { deviations, scale } = deviationsFrom(target, fit);
      return replaced(target, fit, tamed(deviations, scale, loss));
    };
  // Tukey's loss has several minima: Huber's, which has one, says where to look.
  const huber = settle(plain, tame("huber"), again);
  const settled = robust === "huber" ? huber : settle(huber, tame("tukey"), again);
  const target = straight(settled);
  const { deviations, scale } = deviationsFrom(target, settled);
  const free = coefficientNames(form).length;
  const working = replaced(target, settled, pseudoResiduals(deviations, scale, robust, free));
  const observations = observationsOf(working);
  return {
    ...refitShape(settled, observations),
    ...all,
    working,
    observations,
    robustWeights: robustWeights(
      deviations.map((deviation) => deviation / scale),
      robust,
    ),
  };
}

/**
 * Steps until the curve stands still at every length: `working` gives the values of the next linear fit. The shape is
 * held on the way, then sought `again` in what came out, until that is the same.
 */
function settle(
  start: FormFit,
  working: (fit: FormFit) => Point[],
  again: (working: readonly Point[]) => FormFit,
): FormFit {
  let found = start;
  for (let search = 0; search < MOST_SEARCHES; search++) {
    for (let step = 0; step < MOST_STEPS; step++) {
      const next = refitShape(found, observationsOf(working(found)));
      const isStill = hasArrived(found, next);
      found = next;
      if (isStill) break;
    }
    if (found.searched === 0) return found;
    const next = again(working(found));
    if (hasArrived(found, next)) return found;
    found = next;
  }
  return found;
}

function hasArrived({ fitted }: FormFit, next: FormFit): boolean {
  const moved = Math.max(...next.fitted.map((value, k) => Math.abs(value - fitted[k]!)));
  return moved <= ARRIVED * Math.max(...next.fitted.map(Math.abs));
}

/** Values and weights whose linear fit is one Gauss–Newton step of the fit of log values. */
function tangent(points: readonly Point[], { curve }: FormFit): Point[] {
  return points.map(({ length, value }) => {
    // A step down may lead the curve below 0 on the way.
    const fitted = Math.max(curve.at(length), LEAST_SHARE * value);
    return { length, value: fitted * (1 + Math.log(value / fitted)), weight: fitted ** -2 };
  });
}

/** Residuals in units of one standard deviation up to a common factor, and that factor. */
function deviationsFrom(
  points: readonly Point[],
  { curve }: FormFit,
): { deviations: number[]; scale: number } {
  const deviations = points.map(
    ({ length, value, weight }) => (value - curve.at(length)) * Math.sqrt(weight),
  );
  const least =
    ROUNDING * Math.max(...points.map(({ value, weight }) => Math.abs(value) * Math.sqrt(weight)));
  return { deviations, scale: Math.max(robustScale(deviations), least) || 1 };
}

/** Points on the curve but for these deviations. */
function replaced(points: readonly Point[], { curve }: FormFit, deviations: readonly number[]): Point[] {
  return points.map(({ length, weight }, i) => ({
    length,
    value: curve.at(length) + deviations[i]! / Math.sqrt(weight),
    weight,
  }));
}
