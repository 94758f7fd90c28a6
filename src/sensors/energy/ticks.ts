import type { Sample } from "../sensor.js";
import { median } from "./window.js";

/** A move of an energy counter, which stands still between two: NVML's moves ten times a second. */
export interface Tick {
  /** Middle of the gap between the samples that it fell between. */
  readonly atMs: number;
  /** It was so much earlier or later at most. */
  readonly halfGapMs: number;
  /** The counter's value from then on. */
  readonly joules: number;
}

export interface Ticks {
  readonly ticks: readonly Tick[];
  /** Moves that no device makes: across one of these, a difference means nothing. */
  readonly breaks: readonly { readonly atMs: number; readonly what: string }[];
  /** Median time between two ticks; null where there are fewer. */
  readonly tickMs: number | null;
}

/** No board draws this, so where no power was read either, a counter that says so is wrong. */
const MOST_W = 20_000;
/** A counter may be as much ahead of the highest power that was read, as short peaks fall between readings. */
const HEADROOM = 3;

/** The ticks of one device's `energy_j`. Samples without it are passed over. */
export function ticksOf(samples: readonly Sample[]): Ticks {
  const ticks: Tick[] = [];
  let before: { atMs: number; joules: number } | null = null;
  for (const { at_ms: atMs, values } of samples) {
    const joules = values.energy_j;
    if (typeof joules !== "number") continue;
    if (before !== null && joules !== before.joules)
      ticks.push({ atMs: (before.atMs + atMs) / 2, halfGapMs: (atMs - before.atMs) / 2, joules });
    before = { atMs, joules };
  }
  const tickMs = median(ticks.slice(1).map(({ atMs }, i) => atMs - ticks[i]!.atMs));
  return { ticks, tickMs, breaks: breaksIn(ticks, tickMs ?? 0, highestW(samples)) };
}

function highestW(samples: readonly Sample[]): number {
  const highest = samples.reduce((most, { values: { power_w } }) => Math.max(most, Number(power_w ?? 0)), 0);
  return highest > 0 ? HEADROOM * highest : MOST_W;
}

function breaksIn(ticks: readonly Tick[], tickMs: number, limitW: number): Ticks["breaks"] {
  return ticks.slice(1).flatMap((tick, i) => {
    const before = ticks[i]!;
    const grown = tick.joules - before.joules;
    const { atMs } = tick;
    if (grown < 0) return [{ atMs, what: `the energy counter went back by ${(-grown).toFixed(0)} J` }];
    // A tick that was seen late brings the one after it close.
    const mostJ = (limitW * (atMs - before.atMs + tickMs)) / 1000;
    return grown > mostJ ? [{ atMs, what: `the energy counter leapt by ${grown.toFixed(0)} J` }] : [];
  });
}
