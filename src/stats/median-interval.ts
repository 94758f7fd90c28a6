import type { SortedSamples } from "./quantile.js";
import { studentQuantile } from "./student-t.js";
import { meanEstimate, type MeanEstimate } from "./t-test.js";

/**
 * Interval [lo, hi] of the median of what the samples are drawn from, which holds it at least as often as `confidence`
 * says.
 *
 * It is between two ordered samples, the same number from either end: how many samples are below the median follows a
 * binomial distribution, whatever the samples' (the sign test; Conover 1999, section 3.2). For 95 % it holds the median in
 * 95.0 to 99.2 % of data sets: 96.9 % of those of 6 samples, 98.4 % of 7, 97.9 % of 10, 95.7 % of 30.
 *
 * Not even the extremes of fewer than six enclose it so often (in 1 − 2^(1−n)). Then it is Student's t-interval of the mean
 * of the logarithms: the median of samples that scatter alike above and below as a factor, as times do roughly. Measured
 * (`npm run bench:coverage`), it holds the median in 94 to 96 % of data sets, of normal and log-normal samples and also of
 * exponential ones, which scatter otherwise. null where a sample is 0 or below, which has no logarithm.
 *
 * RangeError for fewer than two samples.
 *
 * @example
 * medianInterval(sortSamples([12, 10, 15, 11, 13]));
 */
export function medianInterval(samples: SortedSamples, confidence = 0.95): [lo: number, hi: number] | null {
  const n = samples.length;
  if (n < 2) throw new RangeError(`${n} sample(s): an interval of a median needs at least two`);
  if (!(confidence > 0 && confidence < 1))
    throw new RangeError(`confidence is ${confidence}: it must be between 0 and 1, such as 0.95`);
  const rank = signTestRank(n, (1 - confidence) / 2);
  if (rank > 0) return [samples[rank - 1]!, samples[n - rank]!];
  if (samples[0] === samples[n - 1]) return [samples[0]!, samples[0]!];
  if (!(samples[0]! > 0)) return null;
  const { mean, error } = meanOfLogs(samples);
  const half = studentQuantile((1 + confidence) / 2, n - 1) * error;
  return [Math.exp(mean - half), Math.exp(mean + half)];
}

/** The mean of the logarithms of positive samples. */
export const meanOfLogs = (samples: ArrayLike<number>): MeanEstimate =>
  meanEstimate(Array.from(samples, Math.log));

/** Ranks found so far: they depend on the number of samples and the tail alone. */
const RANKS = new Map<string, number>();

/** The largest k, from 1, with P(X < k) ≤ `tail` for X ~ Bin(n, 1/2): the median is below the kth sample no oftener. 0 if none. */
function signTestRank(n: number, tail: number): number {
  const key = `${n} ${tail}`;
  const known = RANKS.get(key);
  if (known !== undefined) return known;
  let [rank, above] = [0, Math.floor(n / 2) + 1];
  while (above - rank > 1) {
    const half = Math.floor((rank + above) / 2);
    if (fewerThan(half, n) <= tail) rank = half;
    else above = half;
  }
  RANKS.set(key, rank);
  return rank;
}

/**
 * P(X < k) for X ~ Bin(n, 1/2). Terms are built outwards from the largest and divided by their sum, so none over- or
 * underflows and no factorial is needed.
 */
function fewerThan(k: number, n: number): number {
  const mode = Math.floor(n / 2);
  let [all, below] = [0, 0];
  const add = (i: number, term: number): void => {
    all += term;
    if (i < k) below += term;
  };
  for (let i = mode, term = 1; i <= n && term > 1e-20; i++) {
    add(i, term);
    term *= (n - i) / (i + 1);
  }
  for (let i = mode, term = 1; i > 0 && term > 1e-20; i--) {
    term *= i / (n - i + 1);
    add(i - 1, term);
  }
  return below / all;
}
