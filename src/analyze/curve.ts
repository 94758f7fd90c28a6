import {
  evaluateQuadratic,
  leastSquares,
  leastSquaresEach,
  median,
  type LeastSquaresFit,
  type Quadratic,
  type RandomIndex,
} from "../stats/index.js";
import type { Form, Weighting } from "./metrics.js";

/** One sample as a fit sees it: its prompt length in tokens, its value in the metric's unit, its weight. */
export interface Point {
  length: number;
  value: number;
  weight: number;
}

/** A metric over the prompt length, as fitted or from one replicate of a bootstrap. */
export interface Curve {
  /** The metric at a length in tokens, in its unit. */
  at(length: number): number;
  /** Lengths where it jumps or kinks, in ascending order; between them it is smooth. */
  readonly breaks: readonly number[];
}

/** Coefficients to determine. */
export const COEFFICIENTS: Record<Form, number> = { linear: 2, quadratic: 3 };

/** Samples a length must have before its own scatter can be resampled. */
const SAMPLES_TO_RESAMPLE = 3;

/**
 * Points in order of length. A relative weight is 1/m² with m the median of the samples at that length, not 1/y²
 * of each sample, which would favour the samples that happen to be low.
 */
export function weighPoints(samples: readonly Omit<Point, "weight">[], weighting: Weighting): Point[] {
  return [...byLength(samples)].flatMap(([, group]) => {
    const weight = weighting === "uniform" ? 1 : 1 / median(group.map(({ value }) => value)) ** 2;
    return group.map((sample) => ({ ...sample, weight }));
  });
}

export function fitCurve(points: readonly Point[], form: Form): LeastSquaresFit {
  const values = points.map(({ value }) => value);
  return leastSquares(designOf(points, form), values, optionsOf(points, form));
}

/** a, b and c of the linear or quadratic form; a linear one has c = 0. */
export function asQuadratic([a, b, c]: readonly number[]): Quadratic {
  return [a!, b!, c ?? 0];
}

/** The polynomial as a curve without breaks. */
export function smoothCurve(polynomial: Quadratic): Curve {
  return { at: (length) => evaluateQuadratic(polynomial, length), breaks: [] };
}

/**
 * Curves refitted to resampled points, a curve a replicate. Lengths and weights stay as they are.
 *
 * With three samples or more at every length, samples are drawn within each length (a stratified bootstrap), their
 * deviations from the length's mean stretched by √(n/(n−1)), without which a handful of samples would show too
 * little scatter (Rao and Wu 1988, doi:10.1080/01621459.1988.10478591). The curve's misfit stays in every replicate.
 *
 * With fewer, weighted residuals of the fit are drawn from all lengths alike, each stretched by 1/√(1−h) for its
 * leverage h and centred (Davison and Hinkley 1997, section 6.2.3). Misfit then counts as scatter.
 */
export function resampleCurves(
  points: readonly Point[],
  form: Form,
  replicates: number,
  random: RandomIndex,
): Quadratic[] {
  const groups = [...byLength(points).values()];
  const draw = groups.every((group) => group.length >= SAMPLES_TO_RESAMPLE)
    ? drawWithinLengths(groups, random)
    : drawResiduals(points, form, random);
  const responses = Array.from({ length: replicates }, draw);
  return leastSquaresEach(designOf(points, form), responses, optionsOf(points, form)).map(asQuadratic);
}

function drawWithinLengths(groups: readonly Point[][], random: RandomIndex): () => number[] {
  const strata = groups.map((group) => {
    const mean = group.reduce((sum, { value }) => sum + value, 0) / group.length;
    const stretch = Math.sqrt(group.length / (group.length - 1));
    return group.map(({ value }) => mean + stretch * (value - mean));
  });
  return () => strata.flatMap((values) => values.map(() => values[random(values.length)]!));
}

function drawResiduals(points: readonly Point[], form: Form, random: RandomIndex): () => number[] {
  const { residuals, leverages } = fitCurve(points, form);
  const stretched = points.map(({ weight }, i) => {
    const room = 1 - leverages[i]!;
    // A point of leverage 1 lies on its curve whatever its value: it has no residual to draw.
    return room < 1e-9 ? 0 : residuals[i]! * Math.sqrt(weight / room);
  });
  const mean = stretched.reduce((sum, residual) => sum + residual, 0) / stretched.length;
  return () =>
    points.map(({ value, weight }, i) => {
      const drawn = stretched[random(stretched.length)]! - mean;
      return value - residuals[i]! + drawn / Math.sqrt(weight);
    });
}

function byLength<Sample extends { length: number }>(samples: readonly Sample[]): Map<number, Sample[]> {
  const groups = new Map<number, Sample[]>();
  for (const sample of [...samples].sort((p, q) => p.length - q.length)) {
    const group = groups.get(sample.length) ?? [];
    groups.set(sample.length, group);
    group.push(sample);
  }
  return groups;
}

function designOf(points: readonly Point[], form: Form): number[][] {
  return points.map(({ length }) => (form === "linear" ? [1, length] : [1, length, length ** 2]));
}

function optionsOf(points: readonly Point[], form: Form): { weights: number[]; nonNegative: boolean } {
  return { weights: points.map(({ weight }) => weight), nonNegative: form === "quadratic" };
}
