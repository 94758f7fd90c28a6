import { bisect } from "../stats/index.js";
import type { Curve } from "./curve.js";

/** Lengths in tokens, both ends included. */
export type Span = readonly [from: number, to: number];

/** Two curves over the length, as fitted or from one replicate of a bootstrap. */
export interface Pair {
  a: Curve;
  b: Curve;
}

export type Side = keyof Pair;

/** A length where the order of a pair changes. */
export interface Meeting {
  tokens: number;
  lowerBelow: Side;
  /** Whether one curve jumps over the other there, so that they are nowhere equal. */
  jump: boolean;
}

/** Factor between neighbouring lengths of a search: what happens twice within 5 % goes unseen. */
const STEP = 1.05;

/** Predictions that differ by less, relative to themselves, differ by rounding. */
const ROUNDING = 1e-9;

/** How far, relative to a break, its two sides are looked at. */
const BESIDE = 1e-9;

/** A difference that changes by more than this share of the values between the two sides of a break has jumped. */
const JUMP = 1e-6;

/** Lengths spaced evenly on a logarithmic axis, close enough to separate the meetings of a pair. */
export function searchGrid([from, to]: Span): number[] {
  const steps = Math.max(1, Math.ceil(Math.log(to / from) / Math.log(STEP)));
  return Array.from({ length: steps + 1 }, (_, i) => (i === steps ? to : from * (to / from) ** (i / steps)));
}

/**
 * Where the order of two curves changes between the ends of the grid, in ascending order. Where they touch without
 * changing it does not count.
 */
export function meetingsIn(pair: Pair, grid: readonly number[]): Meeting[] {
  const meetings: Meeting[] = [];
  let last: { length: number; lower: Side } | null = null;
  for (const length of withBreaks(grid, pair)) {
    const lower = lowerAt(pair, length);
    if (lower === null) continue;
    if (last !== null && lower !== last.lower) {
      const meeting = meetBetween(pair, last.length, length, last.lower);
      // A falling line ends below 0, where no time and no memory is.
      if (pair.a.at(meeting.tokens) > 0) meetings.push(meeting);
    }
    last = { length, lower };
  }
  return meetings;
}

/** Which curve is lower at a length; null if they are equal but for rounding. */
export function lowerAt({ a, b }: Pair, length: number): Side | null {
  const [atA, atB] = [a.at(length), b.at(length)];
  if (Math.abs(atA - atB) <= ROUNDING * Math.max(Math.abs(atA), Math.abs(atB))) return null;
  return atA < atB ? "a" : "b";
}

export function differenceAt({ a, b }: Pair, length: number): number {
  return a.at(length) - b.at(length);
}

function meetBetween(pair: Pair, from: number, to: number, lowerBelow: Side): Meeting {
  if (to / from < 1 + 3 * BESIDE) {
    const jumped = Math.abs(differenceAt(pair, to) - differenceAt(pair, from));
    return { tokens: (from + to) / 2, lowerBelow, jump: jumped > JUMP * Math.abs(pair.a.at(to)) };
  }
  const sign = lowerBelow === "a" ? -1 : 1;
  const tokens = bisect((length) => sign * differenceAt(pair, length) > 0, from, to);
  return { tokens, lowerBelow, jump: false };
}

/** The grid with both sides of each break between its ends. */
function withBreaks(grid: readonly number[], { a, b }: Pair): readonly number[] {
  if (a.breaks.length + b.breaks.length === 0) return grid;
  const sides = [...a.breaks, ...b.breaks].flatMap((length) => [
    length * (1 - BESIDE),
    length * (1 + BESIDE),
  ]);
  const inside = sides.filter((length) => length > grid[0]! && length < grid[grid.length - 1]!);
  return [...grid, ...inside].sort((p, q) => p - q);
}
