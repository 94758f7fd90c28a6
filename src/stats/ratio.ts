import { percentileInterval } from "./bootstrap.js";
import { meanOfLogs } from "./median-interval.js";
import { median } from "./quantile.js";
import type { RandomIndex } from "./random.js";
import { studentDraw, studentQuantile } from "./student-t.js";
import { welchDifference } from "./t-test.js";

/**
 * Interval of the ratio of two means, numerator over denominator, of independent samples whose variances may differ
 * (Fieller 1954, doi:10.1111/j.2517-6161.1954.tb00159.x). Student's t has the degrees of freedom of Welch and Satterthwaite
 * for the difference x̄ − ρȳ at the estimated ρ (Tamhane and Logan 2004, doi:10.1002/sim.1771).
 *
 * null where the denominator's mean may as well be 0: the ratios that fit are then unbounded. RangeError for fewer than
 * two samples on a side.
 */
export function fiellerInterval(
  numerator: readonly number[],
  denominator: readonly number[],
  confidence = 0.95,
): [lo: number, hi: number] | null {
  const x = meanOf(numerator);
  const y = meanOf(denominator);
  const ratio = x.mean / y.mean;
  const spread = x.variance + ratio ** 2 * y.variance;
  if (spread === 0) return [ratio, ratio];
  const degreesOfFreedom =
    spread ** 2 /
    (x.variance ** 2 / (numerator.length - 1) + (ratio ** 2 * y.variance) ** 2 / (denominator.length - 1));
  const t = studentQuantile((1 + confidence) / 2, degreesOfFreedom);
  // (x̄ − ρȳ)² ≤ t²(s²x/n + ρ² s²y/m), a quadratic in ρ.
  const square = y.mean ** 2 - t ** 2 * y.variance;
  if (!(square > 0)) return null;
  const centre = (x.mean * y.mean) / square;
  const half = Math.sqrt(centre ** 2 - (x.mean ** 2 - t ** 2 * x.variance) / square);
  return [centre - half, centre + half];
}

/** Below this many samples a bootstrap of their median is too sure (see `medianInterval`). */
const FEW = 6;

/** e to a logarithm, short of what a double cannot hold: the tails of Student's t of one degree of freedom are longer. */
const boundedExp = (log: number): number => Math.exp(Math.max(-300, Math.min(300, log)));

/** How replicates are drawn. */
export interface Draws {
  replicates: number;
  random: RandomIndex;
}

/**
 * Replicates of a median: of the samples drawn with replacement or, of fewer than six, Student's t about the mean of their
 * logarithms. null for a sample of 0 or below among fewer than six. RangeError for fewer than two.
 */
export function medianReplicates(samples: readonly number[], { replicates, random }: Draws): number[] | null {
  refuseFew(samples);
  if (samples.length < FEW) {
    if (!samples.every((value) => value > 0)) return null;
    const { mean, error } = meanOfLogs(samples);
    return Array.from({ length: replicates }, () =>
      boundedExp(mean + error * studentDraw(samples.length - 1, random)),
    );
  }
  const resample = new Float64Array(samples.length);
  return Array.from({ length: replicates }, () => {
    for (let i = 0; i < resample.length; i++) resample[i] = samples[random(samples.length)]!;
    return median(resample);
  });
}

/** Replicates of a ratio, and its interval. */
export interface RatioDraws {
  replicates: number[];
  interval: [lo: number, hi: number];
}

/**
 * The ratio of two medians, numerator over denominator, of independent samples: a percentile bootstrap that resamples each
 * side on its own (Efron and Tibshirani 1993, section 8.3) or, with fewer than six samples on a side, Welch's t of the
 * logarithms, for which they must scatter alike above and below as a factor. Measured (`npm run bench:coverage`), 95 %
 * intervals of equal sides of 3 to 20 samples hold the ratio in 95 to 98 % of data sets, of two samples in 97 to 99 %.
 *
 * null where a median of the denominator may be 0, or a sample of a short side is 0 or below. RangeError for fewer than two
 * samples on a side.
 */
export function medianRatio(
  numerator: readonly number[],
  denominator: readonly number[],
  { confidence, ...draws }: Draws & { confidence: number },
): RatioDraws | null {
  for (const side of [numerator, denominator]) refuseFew(side);
  if (Math.min(numerator.length, denominator.length) < FEW)
    return welchRatio(numerator, denominator, { confidence, ...draws });
  const above = medianReplicates(numerator, draws)!;
  const below = medianReplicates(denominator, draws)!;
  if (below.includes(0)) return null;
  const replicates = above.map((value, i) => value / below[i]!);
  return { replicates, interval: percentileInterval(replicates, confidence) };
}

/** Ratios by the difference of the means of logarithms, whose variances may differ (Welch 1947). */
function welchRatio(
  numerator: readonly number[],
  denominator: readonly number[],
  { replicates, confidence, random }: Draws & { confidence: number },
): RatioDraws | null {
  if (![...numerator, ...denominator].every((value) => value > 0)) return null;
  const { mean, error, degreesOfFreedom } = welchDifference(meanOfLogs(numerator), meanOfLogs(denominator));
  const ratioAt = (t: number): number => boundedExp(mean + t * error);
  if (error === 0) {
    const ratio = numerator[0]! / denominator[0]!;
    return { replicates: new Array<number>(replicates).fill(ratio), interval: [ratio, ratio] };
  }
  const t = studentQuantile((1 + confidence) / 2, degreesOfFreedom);
  return {
    replicates: Array.from({ length: replicates }, () => ratioAt(studentDraw(degreesOfFreedom, random))),
    interval: [ratioAt(-t), ratioAt(t)],
  };
}

/** The interval of `medianRatio`. */
export function medianRatioInterval(
  ...asked: Parameters<typeof medianRatio>
): [lo: number, hi: number] | null {
  return medianRatio(...asked)?.interval ?? null;
}

/** A mean and the variance of it. */
function meanOf(samples: readonly number[]): { mean: number; variance: number } {
  refuseFew(samples);
  const n = samples.length;
  const mean = samples.reduce((sum, value) => sum + value, 0) / n;
  const squares = samples.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, variance: squares / (n - 1) / n };
}

function refuseFew(samples: readonly number[]): void {
  if (samples.length < 2)
    throw new RangeError(
      `${samples.length} sample(s): an interval of a ratio needs at least two on each side`,
    );
}
