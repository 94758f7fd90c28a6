import type { Sample } from "../sensor.js";
import { ticksOf, type Tick, type Ticks } from "./ticks.js";
import {
  idlePower,
  lengthMs,
  type Baseline,
  type Estimate,
  type Power,
  type Unknown,
  type TimeWindow,
} from "./window.js";

/**
 * Share of the time that the counter may see of each tick, as the power reading of an A100 or H100 does (Yang, Adámek and
 * Armour, arXiv 2312.02741). Of counters it is not published, so they are taken to be no better.
 */
const SEEN = 0.25;

/** Milliseconds of a step of the load that a counter may miss at its start and not make up for at its end. */
export const unseenMs = (tickMs: number): number => (1 - SEEN) * tickMs;

/**
 * Energy of a window by the device's own counter.
 *
 * With a baseline, the edges are moved outward to ticks, one further than needed as a counter may lag behind by what it
 * takes to read it, and the idle energy of what was added is taken off again: what remains uncertain is when the two ticks
 * fell, at idle power. Without one, the counter is taken to rise evenly between the ticks around each edge, and the
 * bound is what that could be wrong by: most of a tick's joules. Either way the counter may have seen a part of each tick
 * only. A load in step with the ticks can then be mistaken for another, and no bound covers that.
 *
 * @param samples of one device, in order, well before the window to well after it
 */
export function counterEnergy(
  samples: readonly Sample[],
  window: TimeWindow,
  baseline: Baseline | null,
): Estimate | Unknown {
  const counted = ticksOf(samples);
  const { ticks } = counted;
  const first = ticks.findLastIndex(({ atMs, halfGapMs }) => atMs + halfGapMs <= window.startMs);
  const last = ticks.findIndex(({ atMs, halfGapMs }) => atMs - halfGapMs >= window.endMs);
  if (first < 0 || last < 0) return { reason: notAround(samples, counted, first < 0 ? "before" : "after") };
  const from = ticks[baseline ? Math.max(0, first - 1) : first]!;
  const to = ticks[baseline ? Math.min(ticks.length - 1, last + 1) : last]!;
  const broken = counted.breaks.find(({ atMs }) => atMs > from.atMs && atMs <= to.atMs);
  if (broken) return { reason: `${broken.what} in the window`, isDoubt: true };
  const updateMs = counted.tickMs ?? to.atMs - from.atMs;
  const estimate = baseline ? aligned(from, to, window, baseline) : interpolated(ticks, first, last, window);
  const unseenJ = unseen(ticks.slice(ticks.indexOf(from), ticks.indexOf(to) + 1), updateMs);
  return {
    ...estimate,
    grossErrorJ: estimate.grossErrorJ + unseenJ,
    netErrorJ: estimate.netErrorJ === null ? null : estimate.netErrorJ + unseenJ,
    updateMs,
  };
}

/**
 * Joules of the changes of the load that fell in parts of ticks that were not seen: a change up may be counted late and
 * the change down early, so half of what all changes together could make.
 */
function unseen(ticks: readonly Tick[], tickMs: number): number {
  // By whole ticks, as when they were seen is known less well than that they are regular.
  const watts = ticks.slice(1).map(({ atMs, joules }, i) => {
    const ticksPassed = Math.max(1, Math.round((atMs - ticks[i]!.atMs) / tickMs));
    return (1000 * (joules - ticks[i]!.joules)) / (ticksPassed * tickMs);
  });
  const changesW = watts.slice(1).reduce((sum, one, i) => sum + Math.abs(one - watts[i]!), 0);
  return (unseenMs(tickMs) * changesW) / 2 / 1000;
}

function aligned(
  from: Tick,
  to: Tick,
  window: TimeWindow,
  { before, after }: Baseline,
): Omit<Estimate, "updateMs"> {
  const counted = to.joules - from.joules;
  const [leadS, tailS] = [(window.startMs - from.atMs) / 1000, (to.atMs - window.endMs) / 1000];
  const tickJ = (before.watts * from.halfGapMs + after.watts * to.halfGapMs) / 1000;
  const grossJ = counted - before.watts * leadS - after.watts * tailS;
  const idle = idlePower({ before, after });
  const seconds = lengthMs(window) / 1000;
  return {
    grossJ,
    grossErrorJ: tickJ + before.errorW * leadS + after.errorW * tailS,
    netJ: grossJ - idle.watts * seconds,
    netErrorJ: tickJ + before.errorW * leadS + after.errorW * tailS + idle.errorW * seconds,
  };
}

/** Of a counter that only grows, so that its true value at an edge lies between those of the ticks around it. */
function interpolated(
  ticks: readonly Tick[],
  first: number,
  last: number,
  { startMs, endMs }: TimeWindow,
): Omit<Estimate, "updateMs"> {
  const at = (edgeMs: number, [a, b]: readonly [Tick, Tick]) => {
    const share = (edgeMs - a.atMs) / (b.atMs - a.atMs);
    const tickJ = b.joules - a.joules;
    return { joules: a.joules + share * tickJ, errorJ: Math.max(share, 1 - share) * tickJ };
  };
  const start = at(startMs, [ticks[first]!, ticks[first + 1]!]);
  const end = at(endMs, [ticks[last - 1]!, ticks[last]!]);
  return {
    grossJ: end.joules - start.joules,
    grossErrorJ: start.errorJ + end.errorJ,
    netJ: null,
    netErrorJ: null,
  };
}

function notAround(samples: readonly Sample[], { ticks }: Ticks, side: "before" | "after"): string {
  if (!samples.some(({ values }) => typeof values.energy_j === "number"))
    return "the device tells no energy counter";
  return ticks.length === 0
    ? "the energy counter did not move"
    : `the energy counter was not seen to move ${side} the window`;
}

/** Mean power of a window by two ticks within it: of constant power, off by when these fell. */
export function counterPower(samples: readonly Sample[], window: TimeWindow): Power | Unknown {
  const { ticks, breaks } = ticksOf(samples);
  const within = ticks.filter(({ atMs }) => atMs >= window.startMs && atMs <= window.endMs);
  const [from, to] = surestPair(within);
  if (!from || !to) return { reason: "the energy counter moved less than twice while idle" };
  const broken = breaks.find(({ atMs }) => atMs > from.atMs && atMs <= to.atMs);
  if (broken) return { reason: `${broken.what} while idle`, isDoubt: true };
  const watts = (1000 * (to.joules - from.joules)) / (to.atMs - from.atMs);
  return { watts, errorW: watts * doubt(from, to) };
}

/** Share of the time between two ticks that is not known. */
const doubt = (from: Tick, to: Tick): number => (from.halfGapMs + to.halfGapMs) / (to.atMs - from.atMs);

/** The first tick that was seen may have been seen late, so the two are not always the outermost. */
function surestPair(ticks: readonly Tick[]): [Tick, Tick] | [] {
  const early = ticks.slice(0, ENDS);
  const late = ticks.slice(1).slice(-ENDS);
  const pairs = early.flatMap((from) =>
    late.filter(({ atMs }) => atMs > from.atMs).map((to): [Tick, Tick] => [from, to]),
  );
  return pairs.sort((a, b) => doubt(...a) - doubt(...b))[0] ?? [];
}

/** Ticks at each end of a window that are looked at. */
const ENDS = 5;
