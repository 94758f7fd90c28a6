import type { ColumnName } from "../record/schema.js";
import type { Span } from "./pair.js";

/** How two series were made into curves: a fit each, or straight lines between the lengths that both measured. */
export type CrossoverMethod = "fitted" | "interpolated";

/** What was compared. Lengths are prompt tokens. */
export interface Comparison {
  method: CrossoverMethod;
  metric: ColumnName;
  unit: string;
  /** Labels of the two series, never equal; "who is lower" is told by them. */
  a: string;
  b: string;
  /** Shortest and longest length that both series cover. */
  measured: Span;
  /** Lengths searched: from the shortest over HORIZON to the longest times HORIZON; interpolated, the measured. */
  horizon: Span;
  /** Of the bootstrap; 0 where an interpolation has single samples, which say nothing of their scatter. */
  replicates: number;
  confidence: number;
}

/** Where two curves meet and change order. */
export interface Crossing {
  tokens: number;
  /**
   * Lengths at which the percentile interval of the difference holds 0 (`fiellerSet`). An end at an end of the horizon is open.
   * Of a jump it begins at the measured length before, for data cannot tell where between the two it is.
   * Of single samples it is `bracket`.
   */
  interval: Span;
  /** Share of the replicates that cross this way; null of single samples. */
  share: number | null;
  lowerBelow: string;
  lowerAbove: string;
  /** Whether one curve jumps over the other there (a step of its form): they are nowhere equal. */
  jump: boolean;
  /** Interpolated only: the measured lengths around the interval. */
  bracket?: Span;
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
  share: number | null;
}

/** The samples do not tell which is lower where. */
export interface NotSeparable extends Comparison {
  state: "not-separable";
  /**
   * `within-uncertainty`: at every measured length they differ by less than their uncertainty.
   * `order-unclear`: they differ at some, but the replicates do not agree whether and in which direction they cross,
   * or the interval of the crossing is open at both ends.
   */
  reason: "within-uncertainty" | "order-unclear";
  /** Share of the replicates that cross somewhere within the horizon. */
  share: number | null;
}

/** Where two series change places, or why that cannot be said: told apart by `state`. */
export type Crossover =
  CrossingInRange | ExtrapolatedCrossing | MultipleCrossings | NoCrossing | NotSeparable;

/** The crossings that a result states, in ascending order. */
export function crossingsOf(result: Crossover): Crossing[] {
  if (result.state === "multiple") return result.crossings;
  return result.state === "crossing" || result.state === "extrapolated" ? [result] : [];
}

/** The interval of a crossing, with null for an end that is open: the search stopped there. */
export function closedEnds(
  { horizon, replicates }: Comparison,
  { interval: [lo, hi] }: Crossing,
): [lo: number | null, hi: number | null] {
  // Of single samples the interval is that between two measured lengths.
  if (replicates === 0) return [lo, hi];
  return [lo > horizon[0] ? lo : null, hi < horizon[1] ? hi : null];
}
