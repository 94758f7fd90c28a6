import type { Comparison, Crossing, Crossover, NoCrossing, NotSeparable } from "./crossover-result.js";
import { differ, fiellerSet, type Evidence } from "./difference-band.js";
import { lowerAt, meetingsIn, searchGrid, type Meeting, type Pair, type Side, type Span } from "./pair.js";

/** A meeting of the fitted curves with the share of replicates that have it too. */
interface Agreed extends Meeting {
  share: number;
}

/**
 * The state that fitted curves and their replicates are in. Nothing is stated that fewer than `confidence` of the
 * replicates agree on, nor a crossing whose interval is open at both ends.
 */
export function decideCrossover(evidence: Evidence, comparison: Comparison): Crossover {
  const { fitted, resampled } = evidence;
  const { measured, horizon, confidence } = comparison;
  const grid = searchGrid(horizon);
  const replicates = resampled.map((pair) => meetingsIn(pair, grid));
  const share = shareOf(replicates, (meetings) => meetings.length > 0);
  const notSeparable = (reason: NotSeparable["reason"]): NotSeparable => ({
    state: "not-separable",
    reason,
    share,
    ...comparison,
  });
  const lengths = [...evidence.lengths.a, ...evidence.lengths.b];
  const common = lengths.filter((length) => isIn(length, measured));
  if (!differ(evidence, common, confidence)) return notSeparable("within-uncertainty");

  const meetings = meetingsIn(fitted, grid);
  const crossings = settle(meetings, replicates, confidence).flatMap(
    (agreed) => asCrossing(agreed, evidence, grid, comparison) ?? [],
  );
  if (meetings.some(({ tokens }) => isIn(tokens, measured))) {
    const [crossing, ...more] = crossings.filter(({ tokens }) => isIn(tokens, measured));
    if (!crossing) return notSeparable("order-unclear");
    if (more.length > 0) return { state: "multiple", crossings: [crossing, ...more], ...comparison };
    return { state: "crossing", ...crossing, ...comparison };
  }

  const away = ({ tokens }: Crossing): number => distance(tokens, measured);
  const [nearest] = crossings.sort((p, q) => away(p) - away(q));
  if (nearest) return { state: "extrapolated", ...nearest, ...comparison };

  const lower = lowerAt(fitted, measured[0]);
  const alike = shareOf(
    resampled.map((pair, i) => ({ pair, meetings: replicates[i]! })),
    (one) =>
      lowerAt(one.pair, measured[0]) === lower && !one.meetings.some(({ tokens }) => isIn(tokens, measured)),
  );
  if (lower === null || alike < confidence) return notSeparable("order-unclear");
  return { state: "none-in-range", ...orderOf(fitted, lower, comparison), share, ...comparison };
}

/**
 * Who is lower throughout and how much higher the other is. Ratios are null where the lower one is 0.
 */
export function orderOf(
  pair: Pair,
  lower: Side,
  { a, b, measured }: Comparison,
): Pick<NoCrossing, "lower" | "higher" | "ratioAtShortest" | "ratioAtLongest"> {
  const higher = lower === "a" ? "b" : "a";
  const ratioAt = (length: number): number | null => {
    const least = pair[lower].at(length);
    return least > 0 ? pair[higher].at(length) / least : null;
  };
  const labels = { a, b };
  return {
    lower: labels[lower],
    higher: labels[higher],
    ratioAtShortest: ratioAt(measured[0]),
    ratioAtLongest: ratioAt(measured[1]),
  };
}

/** A meeting in the words of the comparison. */
export function labelled(
  { tokens, lowerBelow, jump }: Meeting,
  { a, b }: Comparison,
): Pick<Crossing, "tokens" | "jump" | "lowerBelow" | "lowerAbove"> {
  const labels = { a, b };
  return { tokens, jump, lowerBelow: labels[lowerBelow], lowerAbove: labels[lowerBelow === "a" ? "b" : "a"] };
}

/**
 * The meetings that enough of the replicates have. Where scatter makes curves cross to and fro about one change of
 * order, no single crossing is certain but their sum is: of three or more the closest two, at least one of them
 * uncertain, cancel.
 */
function settle(
  meetings: readonly Meeting[],
  replicates: readonly (readonly Meeting[])[],
  confidence: number,
): Agreed[] {
  const agreed = meetings.map((meeting, i): Agreed => ({
    ...meeting,
    share: shareOf(replicates, (others) => others.some((other) => nearestAlike(other, meetings) === i)),
  }));
  const certain = agreed.filter(({ share }) => share >= confidence);
  if (certain.length === agreed.length || agreed.length < 3) return certain;
  const gaps = agreed.slice(1).map((meeting, i) => {
    const before = agreed[i]!;
    const uncertain = Math.min(before.share, meeting.share) < confidence;
    return uncertain ? Math.log(meeting.tokens / before.tokens) : Infinity;
  });
  const closest = gaps.indexOf(Math.min(...gaps));
  return settle(meetings.toSpliced(closest, 2), replicates, confidence);
}

/** Which of the meetings in the same direction is nearest to this one of a replicate; -1 if none is alike. */
function nearestAlike({ tokens, lowerBelow }: Meeting, meetings: readonly Meeting[]): number {
  let [nearest, least] = [-1, Infinity];
  meetings.forEach((meeting, i) => {
    const away = Math.abs(Math.log(meeting.tokens / tokens));
    if (meeting.lowerBelow === lowerBelow && away < least) [nearest, least] = [i, away];
  });
  return nearest;
}

/** The meeting with its interval; null if that is open at both ends. */
function asCrossing(
  agreed: Agreed,
  evidence: Evidence,
  grid: readonly number[],
  comparison: Comparison,
): Crossing | null {
  const { horizon, confidence } = comparison;
  const [lo, hi] = fiellerSet(evidence, agreed.tokens, grid, confidence);
  if (lo === horizon[0] && hi === horizon[1]) return null;
  const interval: Span = [agreed.jump ? Math.min(lo, beforeJump(evidence, agreed.tokens)) : lo, hi];
  return { ...labelled(agreed, comparison), interval, share: agreed.share };
}

/** The last measured length before a jump: between the two, data cannot tell where it is. */
function beforeJump({ fitted, lengths }: Evidence, tokens: number): number {
  const sides = (["a", "b"] as const).filter((side) =>
    fitted[side].breaks.some((at) => Math.abs(Math.log(at / tokens)) < 1e-6),
  );
  const before = sides.map((side) => lengths[side].findLast((length) => length < tokens * (1 - 1e-6)));
  return Math.min(...before.map((length) => length ?? tokens));
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
