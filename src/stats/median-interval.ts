import type { SortedSamples } from "./quantile.js";

/**
 * Percentile bootstrap interval [lo, hi] of the median, without drawing: a bootstrap's median is an ordered sample, and
 * which one follows a binomial distribution (Efron 1979, doi:10.1214/aos/1176344552, section 3). For an odd number of
 * samples this is the interval that `bootstrapInterval` approaches with ever more replicates. For an even number the
 * median lies between two ordered samples; the outer one of either end is taken, so the interval is never narrower.
 *
 * Below six samples no interval of a median reaches 95 %: the extremes enclose it in 1 - 2^(1-n) of all data sets.
 *
 * @example
 * medianInterval(sortSamples([12, 10, 15, 11, 13]));
 */
export function medianInterval(samples: SortedSamples, confidence = 0.95): [lo: number, hi: number] {
  const n = samples.length;
  if (n < 2) throw new RangeError(`${n} sample(s): an interval of a median needs at least two`);
  if (!(confidence > 0 && confidence < 1))
    throw new RangeError(`confidence is ${confidence}: it must be between 0 and 1, such as 0.95`);
  const rank = lowerRank(n, (1 - confidence) / 2);
  return [samples[rank - 1]!, samples[n - rank]!];
}

/** Ranks found so far: they depend on the number of samples and the tail alone. */
const RANKS = new Map<string, number>();

/** The first k, from 1, at or below whose ordered sample the lower middle of a resample lies in `tail` of all cases. */
function lowerRank(n: number, tail: number): number {
  const key = `${n} ${tail}`;
  const known = RANKS.get(key);
  if (known !== undefined) return known;
  const middle = Math.floor((n + 1) / 2);
  let [below, rank] = [0, n];
  while (rank - below > 1) {
    const half = Math.floor((below + rank) / 2);
    if (binomialTail(n, half / n, middle) >= tail) rank = half;
    else below = half;
  }
  RANKS.set(key, rank);
  return rank;
}

/**
 * P(X ≥ least) of X ~ Bin(n, p), 0 < p < 1. Terms are built outwards from the largest and divided by their sum, so none
 * over- or underflows and no factorial is needed.
 */
function binomialTail(n: number, p: number, least: number): number {
  const odds = p / (1 - p);
  const mode = Math.min(n, Math.floor((n + 1) * p));
  let [all, tail] = [0, 0];
  const add = (k: number, term: number): void => {
    all += term;
    if (k >= least) tail += term;
  };
  for (let k = mode, term = 1; k <= n && term > 1e-20; k++) {
    add(k, term);
    term *= ((n - k) / (k + 1)) * odds;
  }
  for (let k = mode, term = 1; k > 0 && term > 1e-20; k--) {
    term *= k / (n - k + 1) / odds;
    add(k - 1, term);
  }
  return tail / all;
}
