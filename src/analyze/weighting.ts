import { UserError } from "../errors.js";
import { leastSquares, median } from "../stats/index.js";
import type { Curve } from "./curve.js";

/**
 * How deviations count, and so how the scatter is taken to grow with the value m of a length.
 *
 * - `relative`: as a share of the value; scatter in proportion to m.
 * - `log`: as a factor; the same scatter, but an outlier above counts less and one below more.
 * - `uniform`: in units of the metric; the same scatter everywhere.
 * - `measured`: in proportion to mᶿ, θ taken from the scatter of the repeats.
 */
export type Weighting = "relative" | "log" | "uniform" | "measured";

export const WEIGHTINGS: readonly Weighting[] = ["relative", "log", "uniform", "measured"];

/** One sample: its prompt length in tokens, its value in the metric's unit. */
export interface Sample {
  length: number;
  value: number;
  /** Which repeat of its cell it was, where the rows say so. */
  repeat?: number;
}

/** One sample as a fit sees it. */
export interface Point extends Sample {
  /** Reciprocal of its variance up to a common factor. */
  weight: number;
}

/** How the standard deviation of a sample goes with the value m of its length: in proportion to mᶿ. */
export interface VarianceModel {
  /** θ. */
  power: number;
  /** Standard error of θ where it is measured, else 0. */
  error: number;
  /** The value about which an error of θ turns: there the standard deviation does not depend on it. */
  pivot: number;
}

/** Lengths with repeats from which a power of the variance is taken. */
const LENGTHS_WITH_REPEATS = 3;

/**
 * Points in order of length, and how their standard deviation goes. A weight is 1/m²ᶿ with m the median of the samples
 * at that length, not 1/y²ᶿ of each sample, which would favour the samples that happen to be low.
 */
export function weighPoints(
  samples: readonly Sample[],
  weighting: Weighting,
): { points: Point[]; variance: VarianceModel } {
  const groups = [...byLength(samples).values()];
  const variance = varianceModel(groups, weighting);
  return { points: weighGroups(groups, variance, (_, middle) => middle), variance };
}

/** A curve this far off a length, as a factor, shows a wrong form, not noise: its value is not trusted there. */
const FAR_OFF = 2;

/**
 * The same points weighed by m of the curve: medians of a few samples favour the lengths that happen to be low, those
 * of single samples by 2σ² (Carroll and Ruppert 1988, section 2.3, find two such steps enough).
 */
export function reweighPoints(points: readonly Point[], variance: VarianceModel, curve: Curve): Point[] {
  return weighGroups([...byLength(points).values()], variance, (length, middle) =>
    Math.min(FAR_OFF * middle, Math.max(middle / FAR_OFF, curve.at(length))),
  );
}

function weighGroups(
  groups: readonly (readonly Sample[])[],
  { power }: VarianceModel,
  valueAt: (length: number, middle: number) => number,
): Point[] {
  return groups.flatMap((group) => {
    const middle = median(group.map(({ value }) => value));
    const weight = valueAt(group[0]!.length, middle) ** (-2 * power);
    return group.map((sample) => ({ ...sample, weight }));
  });
}

function varianceModel(groups: readonly (readonly Sample[])[], weighting: Weighting): VarianceModel {
  switch (weighting) {
    case "uniform":
      return { power: 0, error: 0, pivot: 1 };
    case "relative":
    case "log":
      return { power: 1, error: 0, pivot: 1 };
    case "measured":
      return measuredVariance(groups);
  }
}

/**
 * θ as the slope of log s over log m over the lengths with repeats, weighted by their degrees of freedom (Carroll and
 * Ruppert 1988, section 3.3), held in [0, 2]. The variance of log s is about 1/(2(n − 1)) for n normal samples.
 */
function measuredVariance(groups: readonly (readonly Sample[])[]): VarianceModel {
  const spreads = groups.flatMap((group) => {
    const mean = group.reduce((sum, { value }) => sum + value, 0) / group.length;
    const squares = group.reduce((sum, { value }) => sum + (value - mean) ** 2, 0);
    const free = group.length - 1;
    return squares > 0 ? [{ logMean: Math.log(mean), deviation: Math.sqrt(squares / free), free }] : [];
  });
  if (spreads.length < LENGTHS_WITH_REPEATS)
    throw new UserError(
      `${spreads.length} length(s) have repeats that differ: weighting "measured" needs ${LENGTHS_WITH_REPEATS}`,
    );
  if (spreads.every(({ logMean }) => logMean === spreads[0]!.logMean))
    throw new UserError(`the means of all lengths are equal: weighting "measured" needs values that grow`);
  const { coefficients, unitErrors } = leastSquares(
    spreads.map(({ logMean }) => [1, logMean]),
    spreads.map(({ deviation }) => Math.log(deviation)),
    { weights: spreads.map(({ free }) => free) },
  );
  const sum = (of: (spread: (typeof spreads)[number]) => number): number =>
    spreads.reduce((total, spread) => total + of(spread), 0);
  return {
    power: Math.max(0, Math.min(2, coefficients[1]!)),
    error: unitErrors[1]! * Math.SQRT1_2,
    pivot: Math.exp(sum(({ logMean, free }) => logMean * free) / sum(({ free }) => free)),
  };
}

/** Samples by length, shortest first. */
export function byLength<S extends Sample>(samples: readonly S[]): Map<number, S[]> {
  const groups = new Map<number, S[]>();
  for (const sample of [...samples].sort((p, q) => p.length - q.length)) {
    const group = groups.get(sample.length) ?? [];
    groups.set(sample.length, group);
    group.push(sample);
  }
  return groups;
}

/** Refuses a way to weight that is none of ours, for callers whose weighting is text. */
export function checkWeighting(weighting: string): asserts weighting is Weighting {
  if (!(WEIGHTINGS as readonly string[]).includes(weighting))
    throw new UserError(`weighting is ${weighting}: it must be relative, log, uniform or measured`);
}
