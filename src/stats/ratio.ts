import { percentileInterval } from "./bootstrap.js";
import { median } from "./quantile.js";
import type { RandomIndex } from "./random.js";
import { studentQuantile } from "./student-t.js";

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

/** Replicates of a sample's median: drawn with replacement. */
export function resampleMedians(
  samples: readonly number[],
  replicates: number,
  random: RandomIndex,
): number[] {
  const resample = new Float64Array(samples.length);
  return Array.from({ length: replicates }, () => {
    for (let i = 0; i < resample.length; i++) resample[i] = samples[random(samples.length)]!;
    return median(resample);
  });
}

/**
 * Percentile bootstrap interval of the ratio of two medians, numerator over denominator: each side is resampled on its
 * own (Efron and Tibshirani 1993, section 8.3). null where a median of the denominator may be 0. RangeError for fewer than
 * two samples on a side.
 */
export function medianRatioInterval(
  numerator: readonly number[],
  denominator: readonly number[],
  { replicates, confidence, random }: { replicates: number; confidence: number; random: RandomIndex },
): [lo: number, hi: number] | null {
  for (const side of [numerator, denominator]) refuseFew(side);
  const above = resampleMedians(numerator, replicates, random);
  const below = resampleMedians(denominator, replicates, random);
  if (below.includes(0)) return null;
  return percentileInterval(
    above.map((value, i) => value / below[i]!),
    confidence,
  );
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
