import { UserError } from "../errors.js";
import { leastSquares, median } from "../stats/index.js";

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

/** Lengths with repeats from which a power of the variance is taken. */
const LENGTHS_WITH_REPEATS = 3;

/**
 * Points in order of length, and the power θ of the value that their standard deviation follows. A weight is 1/m²ᶿ
 * with m the median of the samples at that length, not 1/y²ᶿ of each sample, which would favour the samples that
 * happen to be low.
 */
export function weighPoints(
  samples: readonly Sample[],
  weighting: Weighting,
): { points: Point[]; variancePower: number } {
  const groups = byLength(samples);
  const variancePower =
    weighting === "uniform" ? 0 : weighting === "measured" ? measuredPower([...groups.values()]) : 1;
  const points = [...groups.values()].flatMap((group) => {
    const weight = median(group.map(({ value }) => value)) ** (-2 * variancePower);
    return group.map((sample) => ({ ...sample, weight }));
  });
  return { points, variancePower };
}

/**
 * θ of a standard deviation in proportion to mᶿ: the slope of log s over log m over the lengths with repeats, weighted
 * by their degrees of freedom (Carroll and Ruppert 1988, section 3.3), held in [0, 2].
 */
function measuredPower(groups: readonly (readonly Sample[])[]): number {
  const spreads = groups.flatMap((group) => {
    const mean = group.reduce((sum, { value }) => sum + value, 0) / group.length;
    const squares = group.reduce((sum, { value }) => sum + (value - mean) ** 2, 0);
    return squares > 0 ? [{ mean, deviation: Math.sqrt(squares / (group.length - 1)), n: group.length }] : [];
  });
  if (spreads.length < LENGTHS_WITH_REPEATS)
    throw new UserError(
      `${spreads.length} length(s) have repeats that differ: weighting "measured" needs ${LENGTHS_WITH_REPEATS}`,
    );
  const { coefficients } = leastSquares(
    spreads.map(({ mean }) => [1, Math.log(mean)]),
    spreads.map(({ deviation }) => Math.log(deviation)),
    { weights: spreads.map(({ n }) => n - 1) },
  );
  return Math.max(0, Math.min(2, coefficients[1]!));
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
