import { UserError } from "../errors.js";
import { evaluateQuadratic, percentileInterval, randomIndex, type Quadratic } from "../stats/index.js";
import type { Curve } from "./curve.js";
import type { ScalingFit } from "./fit-scaling.js";
import type { FitMetricName } from "./metrics.js";
import { differ, lowerAt, meetingsIn, type Meeting, type Pair, type Side, type Span } from "./pair.js";
import { checkResampling } from "./resampling.js";
import { labelPair, seriesLabel } from "./series-label.js";

export interface CrossoverOptions {
  /** Pairs of curves drawn by the bootstrap; default 2000. */
  replicates?: number;
  /** Of the interval, and the share of replicates that must agree before something is stated; default 0.95. */
  confidence?: number;
  /** Seed of the bootstrap, a whole number; default 1. */
  seed?: number;
  /** Allow curves of two devices; by default they are refused. */
  acrossDevices?: boolean;
}

/** What was compared. Lengths are prompt tokens. */
export interface Comparison {
  metric: FitMetricName;
  unit: string;
  /** Labels of the two series, never equal; "who is lower" is told by them. */
  a: string;
  b: string;
  /** Shortest and longest length that both series cover. */
  measured: Span;
  /** Lengths searched: from the shortest over HORIZON to the longest times HORIZON. */
  horizon: Span;
  replicates: number;
  confidence: number;
}

/** Where two curves meet and change order. */
export interface Crossing {
  tokens: number;
  /** Percentile interval of the replicates that cross this way within the horizon. */
  interval: Span;
  /** Share of the replicates that do. */
  share: number;
  lowerBelow: string;
  lowerAbove: string;
}

/** The curves cross once in the measured lengths. */
export type CrossingInRange = Comparison & Crossing & { state: "crossing" };

/** They keep their order in the measured lengths and cross outside, where nothing was measured. */
export type ExtrapolatedCrossing = Comparison & Crossing & { state: "extrapolated" };

/** They cross more than once in the measured lengths: in ascending order. */
export interface MultipleCrossings extends Comparison {
  state: "multiple";
  crossings: Crossing[];
}

/** One is lower at every measured length, and where they would meet outside is not certain. */
export interface NoCrossing extends Comparison {
  state: "none-in-range";
  lower: string;
  higher: string;
  /** Higher over lower at either end of the measured lengths; null where the lower one is 0. */
  ratioAtShortest: number | null;
  ratioAtLongest: number | null;
  /** Share of the replicates that cross somewhere within the horizon: near 0, one is lower there too. */
  share: number;
}

/** The samples do not tell which is lower where. */
export interface NotSeparable extends Comparison {
  state: "not-separable";
  /**
   * `within-uncertainty`: at every measured length they differ by less than their uncertainty.
   * `order-unclear`: they differ at some, but the replicates do not agree whether and in which direction they cross.
   */
  reason: "within-uncertainty" | "order-unclear";
  /** Share of the replicates that cross somewhere within the horizon. */
  share: number;
}

export type Crossover =
  CrossingInRange | ExtrapolatedCrossing | MultipleCrossings | NoCrossing | NotSeparable;

/** How far beyond the measured lengths a crossing is looked for, as a factor. */
const HORIZON = 64;

/**
 * The prompt length where two fitted curves meet, with a percentile bootstrap interval (see `resampleCurves`), or the
 * state that says why there is none. Nothing is stated that fewer than `confidence` of the replicates agree on: if
 * the slope of a difference may as well be 0, the interval of its root is unbounded (Fieller 1954), and an interval
 * over the replicates that happen to cross would hide it.
 *
 * Intervals are a little narrow: of simulated ones of 95 % (2 % noise, 8 lengths, one to five samples each) 87 to
 * 96 % held the truth, fewest where the true c of a curve is 0, at its bound (Andrews 2000, doi:10.1111/1468-0262.00114),
 * and where the crossing is extrapolated.
 *
 * UserError for fits of different metrics, of different devices unless `acrossDevices`, without lengths in common,
 * or without a sample to spare.
 */
export function crossover(
  a: ScalingFit,
  b: ScalingFit,
  { replicates = 2000, confidence = 0.95, seed = 1, acrossDevices = false }: CrossoverOptions = {},
): Crossover {
  refuseIncomparable(a, b, acrossDevices);
  checkResampling({ replicates, confidence, seed });
  const random = randomIndex(seed);
  const aCurves = a.resample(replicates, random).map(asQuadratic);
  const bCurves = b.resample(replicates, random).map(asQuadratic);
  const resampled = aCurves.map((curve, i): Pair => ({ a: curve, b: bCurves[i]! }));
  return decide(a, b, compare(a, b, replicates, confidence), resampled);
}

function decide(a: ScalingFit, b: ScalingFit, comparison: Comparison, resampled: readonly Pair[]): Crossover {
  const { measured, horizon, confidence } = comparison;
  const fitted: Pair = { a: curveOf(a), b: curveOf(b) };
  const replicates = resampled.map((pair) => meetingsIn(pair, horizon));
  const share = shareOf(replicates, (meetings) => meetings.length > 0);
  const notSeparable = (reason: NotSeparable["reason"]): NotSeparable => ({
    state: "not-separable",
    reason,
    share,
    ...comparison,
  });

  const lengths = [...a.lengths, ...b.lengths].filter((length) => isIn(length, measured));
  if (!differ(fitted, resampled, lengths, confidence)) return notSeparable("within-uncertainty");

  const certain = (meetings: readonly Meeting[]): Crossing[] =>
    meetings.flatMap((meeting) => asCrossing(meeting, replicates, comparison) ?? []);
  const meetings = meetingsIn(fitted, horizon);
  const inside = meetings.filter(({ tokens }) => isIn(tokens, measured));
  if (inside.length > 0) {
    const [crossing, ...more] = certain(inside);
    if (!crossing) return notSeparable("order-unclear");
    if (more.length > 0) return { state: "multiple", crossings: [crossing, ...more], ...comparison };
    return { state: "crossing", ...crossing, ...comparison };
  }

  const away = ({ tokens }: Crossing): number => distance(tokens, measured);
  const [nearest] = certain(meetings).sort((p, q) => away(p) - away(q));
  if (nearest) return { state: "extrapolated", ...nearest, ...comparison };

  const lower = lowerThroughout(fitted, resampled, measured, confidence);
  if (lower === null) return notSeparable("order-unclear");
  return { state: "none-in-range", ...ratios(fitted, lower, comparison), share, ...comparison };
}

/** The curve that is lower from end to end in enough of the replicates; null if there is none. */
function lowerThroughout(
  fitted: Pair,
  resampled: readonly Pair[],
  measured: Span,
  confidence: number,
): Side | null {
  const lower = lowerAt(fitted, measured[0]);
  const share = shareOf(
    resampled,
    (pair) => lowerAt(pair, measured[0]) === lower && meetingsIn(pair, measured).length === 0,
  );
  return share >= confidence ? lower : null;
}

/** The meeting with its interval; null if too few replicates cross that way. */
function asCrossing(
  { tokens, lowerBelow }: Meeting,
  replicates: readonly (readonly Meeting[])[],
  comparison: Comparison,
): Crossing | null {
  const alike = replicates.flatMap((meetings) => meetings.filter((other) => other.lowerBelow === lowerBelow));
  const share = alike.length / replicates.length;
  if (share < comparison.confidence) return null;
  const interval = percentileInterval(
    alike.map((other) => other.tokens),
    comparison.confidence,
  );
  const lowerAbove = lowerBelow === "a" ? "b" : "a";
  return { tokens, interval, share, lowerBelow: comparison[lowerBelow], lowerAbove: comparison[lowerAbove] };
}

function ratios(
  pair: Pair,
  lower: Side,
  { a, b, measured }: Comparison,
): Pick<NoCrossing, "lower" | "higher" | "ratioAtShortest" | "ratioAtLongest"> {
  const higher = lower === "a" ? "b" : "a";
  const ratioAt = (length: number): number | null => {
    const least = evaluateQuadratic(pair[lower], length);
    return least > 0 ? evaluateQuadratic(pair[higher], length) / least : null;
  };
  const labels = { a, b };
  return {
    lower: labels[lower],
    higher: labels[higher],
    ratioAtShortest: ratioAt(measured[0]),
    ratioAtLongest: ratioAt(measured[1]),
  };
}

function compare(a: ScalingFit, b: ScalingFit, replicates: number, confidence: number): Comparison {
  const [aLabel, bLabel] = labelPair(a.series, b.series);
  const shortest = Math.min(a.range[0], b.range[0]);
  const longest = Math.max(a.range[1], b.range[1]);
  return {
    metric: a.metric,
    unit: a.unit,
    a: aLabel,
    b: bLabel,
    measured: commonRange(a, b),
    horizon: [Math.max(1, shortest / HORIZON), longest * HORIZON],
    replicates,
    confidence,
  };
}

function refuseIncomparable(a: ScalingFit, b: ScalingFit, acrossDevices: boolean): void {
  if (a.metric !== b.metric)
    throw new UserError(`the fits are of ${a.metric} and ${b.metric}: a crossover compares one metric`);
  const [aDevice, bDevice] = [a.series.device, b.series.device];
  if (!acrossDevices && aDevice !== bDevice)
    throw new UserError(
      `the fits are from ${aDevice ?? "an unnamed device"} and ${bDevice ?? "an unnamed device"}: ` +
        `a crossover compares one device (acrossDevices: true allows two)`,
    );
  const [from, to] = commonRange(a, b);
  if (from >= to)
    throw new UserError(
      `${seriesLabel(a.series)} was measured from ${a.range.join(" to ")} tokens and ${seriesLabel(b.series)} from ` +
        `${b.range.join(" to ")}: a crossover needs lengths that both cover`,
    );
  for (const fit of [a, b])
    if (fit.degreesOfFreedom < 1)
      throw new UserError(
        `${seriesLabel(fit.series)} has ${fit.n} samples of ${fit.metric} for as many coefficients: without one to ` +
          `spare there is no scatter to resample`,
      );
}

function commonRange(a: ScalingFit, b: ScalingFit): Span {
  return [Math.max(a.range[0], b.range[0]), Math.min(a.range[1], b.range[1])];
}

function curveOf({ coefficients: { a, b, c } }: ScalingFit): Quadratic {
  return [a, b, c];
}

/** The polynomial through a curve that is one. */
function asQuadratic({ at }: Curve): Quadratic {
  const step = 2 ** 16;
  const [zero, one, two] = [at(0), at(step), at(2 * step)];
  return [zero, (4 * one - two - 3 * zero) / (2 * step), (two - 2 * one + zero) / (2 * step ** 2)];
}

function isIn(tokens: number, [from, to]: Span): boolean {
  return tokens >= from && tokens <= to;
}

/** How many times longer or shorter a length is than the nearest in the span, as a logarithm. */
function distance(tokens: number, [from, to]: Span): number {
  return Math.max(Math.log(from / tokens), Math.log(tokens / to));
}

function shareOf<Item>(items: readonly Item[], holds: (item: Item) => boolean): number {
  return items.filter(holds).length / items.length;
}
