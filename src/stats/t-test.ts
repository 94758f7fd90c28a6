import { studentCdf } from "./student-t.js";

/** A mean, or a difference of two, as Student's t knows it. */
export interface MeanEstimate {
  readonly mean: number;
  /** Standard error of the mean; 0 where all values are equal. */
  readonly error: number;
  readonly degreesOfFreedom: number;
}

/** The mean of values, e.g. of the differences of pairs. RangeError for fewer than two. */
export function meanEstimate(values: ArrayLike<number>): MeanEstimate {
  const n = values.length;
  if (n < 2) throw new RangeError(`${n} sample(s): the error of a mean needs at least two`);
  const all = Array.from(values);
  const mean = all.reduce((sum, value) => sum + value, 0) / n;
  const squares = all.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, error: Math.sqrt(squares / (n - 1) / n), degreesOfFreedom: n - 1 };
}

/** The difference a − b of two independent means whose variances may differ (Welch 1947). */
export function welchDifference(a: MeanEstimate, b: MeanEstimate): MeanEstimate {
  const error = Math.hypot(a.error, b.error);
  const degreesOfFreedom =
    error ** 4 / (a.error ** 4 / a.degreesOfFreedom + b.error ** 4 / b.degreesOfFreedom);
  return { mean: a.mean - b.mean, error, degreesOfFreedom };
}

/** Two-sided p that a mean is `expected`. Without any scatter it is 0 or 1. */
export function meanP({ mean, error, degreesOfFreedom }: MeanEstimate, expected = 0): number {
  if (error === 0) return mean === expected ? 1 : 0;
  return 2 * studentCdf(-Math.abs(mean - expected) / error, degreesOfFreedom);
}

/**
 * p that a mean lies outside ±`bound`: a small one says that it is the same as 0 for all that matters. The larger of the two
 * one-sided tests (TOST; Schuirmann 1987, doi:10.1007/BF01068419). RangeError for a bound that is not above 0.
 */
export function equivalenceP({ mean, error, degreesOfFreedom }: MeanEstimate, bound: number): number {
  if (!(bound > 0)) throw new RangeError(`the bound of equivalence is ${bound}: it must be above 0`);
  const inside = bound - Math.abs(mean);
  if (error === 0) return inside >= 0 ? 0 : 1;
  return studentCdf(-inside / error, degreesOfFreedom);
}
