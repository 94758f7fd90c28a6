import { UserError } from "../errors.js";
import { normalFrom, randomIndex, type RandomIndex } from "../stats/index.js";
import type { Comparison, Crossing, Crossover } from "./crossover-result.js";
import { refuseIncomparable, type CrossoverOptions } from "./crossover.js";
import { decideCrossover, labelled, orderOf } from "./decide-crossover.js";
import { interpolatedCurve } from "./interpolate.js";
import { lowerAt, meetingsIn, searchGrid, type Pair, type Span } from "./pair.js";
import { resamplingOf } from "./resampling.js";
import type { SampleSeries } from "./samples.js";
import { studentStretch } from "./scatter.js";
import { labelPair, seriesLabel } from "./series-label.js";
import { mean, sharedLengths, type SharedLength } from "./shared-lengths.js";

export interface InterpolatedOptions extends CrossoverOptions {
  /**
   * Whether samples of equal `repeat` were taken side by side, so that what disturbed one disturbed the other. Our own
   * campaigns measure one cell after the other: default false.
   */
  paired?: boolean;
}

/**
 * The crossover of the samples themselves: the means at the lengths that both series measured, with straight lines
 * between them on logarithmic axes, and no curve. The same states as `crossover`, but never `extrapolated`: outside
 * the measured lengths nothing is said.
 *
 * The interval is `crossover`'s, from replicates of the means (see `drawMeans`). It knows scatter alone, not how far
 * the curve bends away from the lines; of simulated 95 % intervals about power laws, which do not bend, 98 to 100 %
 * held the truth, for each length judges its scatter by itself. Single samples have no scatter: the order is then
 * taken as they give it, and the interval is that between the two measured lengths around the crossing.
 *
 * UserError for what `crossover` refuses and for fewer than two lengths in common.
 *
 * @example
 * const [qwen, mamba] = sampleSeries(table, { metric: "ttft_ms" });
 * describeCrossover(interpolatedCrossover(qwen, mamba));
 */
export function interpolatedCrossover(
  a: SampleSeries,
  b: SampleSeries,
  options: InterpolatedOptions = {},
): Crossover {
  const { acrossDevices = false, paired = false } = options;
  refuseIncomparable(a, b, acrossDevices);
  const { confidence, replicates, seed } = resamplingOf(options);
  const shared = sharedLengths(a, b, paired);
  if (shared.length < 2)
    throw new UserError(
      `${seriesLabel(a.series)} and ${seriesLabel(b.series)} were both measured at ${shared[0]!.length} tokens only: ` +
        `without a curve a crossing needs two lengths in common, one on each side`,
    );
  const lengths = shared.map(({ length }) => length);
  const fewest = Math.min(...shared.flatMap((one) => [one.a.length, one.b.length]));
  const single = fewest < 2;
  const [aLabel, bLabel] = labelPair(a.series, b.series);
  const measured: Span = [lengths[0]!, lengths[lengths.length - 1]!];
  const comparison: Comparison = {
    method: "interpolated",
    metric: a.metric,
    unit: a.unit,
    a: aLabel,
    b: bLabel,
    measured,
    horizon: measured,
    replicates: single ? 0 : replicates,
    confidence,
  };
  const means = pairOf(lengths, shared.map(meansOf));
  if (single) return bracketed(orderOfSingles(means, comparison), lengths);
  const draw = drawMeans(shared, paired, randomIndex(seed));
  const resampled = Array.from({ length: replicates }, () => pairOf(lengths, draw()));
  return bracketed(
    decideCrossover({ fitted: means, resampled, lengths: { a: lengths, b: lengths } }, comparison),
    lengths,
  );
}

type Means = Record<"a" | "b", number>;

function pairOf(lengths: readonly number[], values: readonly Means[]): Pair {
  return {
    a: interpolatedCurve(
      lengths,
      values.map(({ a }) => a),
    ),
    b: interpolatedCurve(
      lengths,
      values.map(({ b }) => b),
    ),
  };
}

/**
 * A source of replicates of the means. The deviation of a mean is that of samples drawn from the length's own, brought
 * to their variance and to the tails of Student's t (see `replicate`); it is added as a share of the mean, so that a
 * cost stays above 0. Paired samples are drawn together.
 */
function drawMeans(shared: readonly SharedLength[], paired: boolean, random: RandomIndex): () => Means[] {
  const normal = normalFrom(random);
  const indices = (count: number): number[] => Array.from({ length: count }, () => random(count));
  const strata = shared.map((one) => ({
    a: { centre: mean(one.a), deviations: deviationsOf(one.a) },
    b: { centre: mean(one.b), deviations: deviationsOf(one.b) },
  }));
  const drawn = ({ centre, deviations }: Stratum, from: readonly number[], stretch: number): number => {
    const deviation = stretch * mean(from.map((i) => deviations[i]!));
    if (centre === 0) return deviation;
    return centre * Math.exp(Math.max(-FARTHEST, Math.min(FARTHEST, deviation / centre)));
  };
  return () =>
    strata.map(({ a, b }) => {
      const [fromA, stretchA] = [
        indices(a.deviations.length),
        studentStretch(a.deviations.length - 1, normal),
      ];
      if (paired) return { a: drawn(a, fromA, stretchA), b: drawn(b, fromA, stretchA) };
      const stretchB = studentStretch(b.deviations.length - 1, normal);
      return { a: drawn(a, fromA, stretchA), b: drawn(b, indices(b.deviations.length), stretchB) };
    });
}

/** Student's tails of one degree of freedom are longer than a double; e to the 100 is as far as any. */
const FARTHEST = 100;

interface Stratum {
  centre: number;
  deviations: readonly number[];
}

/**
 * Deviations from the mean, stretched by √(n/(n−1)), without which a handful of samples would show too little scatter
 * (Rao and Wu 1988, doi:10.1080/01621459.1988.10478591).
 */
function deviationsOf(values: readonly number[]): number[] {
  const centre = mean(values);
  const factor = Math.sqrt(values.length / (values.length - 1));
  return values.map((value) => factor * (value - centre));
}

/** The state that single samples are in if they are taken at their word. */
function orderOfSingles(means: Pair, comparison: Comparison): Crossover {
  const meetings = meetingsIn(means, searchGrid(comparison.measured));
  const crossings = meetings.map((meeting): Crossing => ({
    ...labelled(meeting, comparison),
    interval: [meeting.tokens, meeting.tokens],
    share: null,
  }));
  const [crossing, ...more] = crossings;
  if (crossing && more.length > 0)
    return { state: "multiple", crossings: [crossing, ...more], ...comparison };
  if (crossing) return { state: "crossing", ...crossing, ...comparison };
  const lower = lowerAt(means, comparison.measured[0]) ?? lowerAt(means, comparison.measured[1]);
  if (lower === null)
    return { state: "not-separable", reason: "within-uncertainty", share: null, ...comparison };
  return { state: "none-in-range", ...orderOf(means, lower, comparison), share: null, ...comparison };
}

/** Crossings with the measured lengths around their intervals, which of single samples are the intervals. */
function bracketed(result: Crossover, lengths: readonly number[]): Crossover {
  const bracket = (crossing: Crossing): Pick<Crossing, "interval" | "bracket"> => {
    const [lo, hi] = crossing.interval;
    const around: Span = [
      lengths.findLast((length) => length <= lo) ?? lo,
      lengths.find((length) => length >= hi) ?? hi,
    ];
    return { bracket: around, interval: result.replicates === 0 ? around : crossing.interval };
  };
  if (result.state === "multiple")
    return { ...result, crossings: result.crossings.map((one) => ({ ...one, ...bracket(one) })) };
  return result.state === "crossing" ? { ...result, ...bracket(result) } : result;
}

const meansOf = ({ a, b }: SharedLength): Means => ({ a: mean(a), b: mean(b) });
