import { evaluateQuadratic, quantile, rootsBetween, sortSamples, type Quadratic } from "../stats/index.js";

/** Lengths in tokens, both ends included. */
export type Span = readonly [from: number, to: number];

/** Two curves over the length, as fitted or from one replicate of a bootstrap. */
export interface Pair {
  a: Quadratic;
  b: Quadratic;
}

export type Side = keyof Pair;

/** A length where the order of a pair changes. A difference of degree two has at most one for each side. */
export interface Meeting {
  tokens: number;
  lowerBelow: Side;
}

/** Predictions that differ by less, relative to themselves, differ by rounding. */
const ROUNDING = 1e-9;

/** Where the order of two curves changes, in ascending order. Where they touch without changing it does not count. */
export function meetingsIn({ a, b }: Pair, [from, to]: Span): Meeting[] {
  const difference: Quadratic = [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
  if (difference.every((coefficient) => coefficient === 0)) return [];
  return rootsBetween(difference, from, to).flatMap((tokens): Meeting[] => {
    const slope = difference[1] + 2 * difference[2] * tokens;
    // A falling line ends below 0, where no time and no memory is.
    if (slope === 0 || evaluateQuadratic(a, tokens) <= 0) return [];
    return [{ tokens, lowerBelow: slope > 0 ? "a" : "b" }];
  });
}

/** Which curve is lower at a length; null if they are equal but for rounding. */
export function lowerAt({ a, b }: Pair, length: number): Side | null {
  const [atA, atB] = [evaluateQuadratic(a, length), evaluateQuadratic(b, length)];
  if (Math.abs(atA - atB) <= ROUNDING * Math.max(Math.abs(atA), Math.abs(atB))) return null;
  return atA < atB ? "a" : "b";
}

/**
 * Whether a pair differs at one length at least, with the lengths judged together: the simultaneous bootstrap band
 * around their difference (the sup-t band of Montiel Olea and Plagborg-Møller 2019, doi:10.1002/jae.2656) leaves out
 * 0 somewhere. Judged one by one, two samples of the same curve would differ somewhere in one data set of seven.
 */
export function differ(
  fitted: Pair,
  resampled: readonly Pair[],
  lengths: readonly number[],
  confidence: number,
): boolean {
  const bands = lengths.map((length) => {
    const difference = differenceAt(fitted, length);
    const deviations = resampled.map((pair) => differenceAt(pair, length) - difference);
    const spread = Math.sqrt(deviations.reduce((sum, value) => sum + value ** 2, 0) / deviations.length);
    return { length, difference, deviations, spread };
  });
  const largest = resampled.map((_, i) =>
    Math.max(...bands.map(({ deviations, spread }) => (spread > 0 ? Math.abs(deviations[i]!) / spread : 0))),
  );
  const critical = quantile(sortSamples(largest), confidence);
  return bands.some(
    ({ length, difference, spread }) =>
      lowerAt(fitted, length) !== null && Math.abs(difference) > critical * spread,
  );
}

function differenceAt({ a, b }: Pair, length: number): number {
  return evaluateQuadratic(a, length) - evaluateQuadratic(b, length);
}
