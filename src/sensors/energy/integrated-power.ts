import type { Sample } from "../sensor.js";
import {
  idlePower,
  lengthMs,
  median,
  type Baseline,
  type Estimate,
  type Power,
  type Unknown,
  type TimeWindow,
} from "./window.js";

export interface Reading {
  readonly atMs: number;
  readonly watts: number;
}

/** Samples so much further apart than usual leave a hole, in which anything may have happened. */
const HOLE = 3;

/**
 * Energy of a window by trapezoids over the power readings, on the clock of the samples.
 *
 * A reading is renewed a few times a second at best and is of the past: with a baseline, the window is widened on both
 * sides by as much as that, so that a reading that comes late is still counted, and the idle energy of what was added is
 * taken off again. The bound takes the power between two readings to lie between them: a load that alternates faster than
 * the readings are renewed is not seen, and not in the bound either.
 *
 * @param samples of one device, in order
 */
export function powerEnergy(
  samples: readonly Sample[],
  window: TimeWindow,
  baseline: Baseline | null,
): Estimate | Unknown {
  const readings = readingsOf(samples);
  const [first, last] = [readings[0], readings.at(-1)];
  if (!first || !last) return { reason: "the device tells no power" };
  if (first.atMs > window.startMs) return { reason: "power was not read before the window" };
  if (last.atMs < window.endMs) return { reason: "power was not read after the window" };
  const updateMs = updatePeriod(samples);
  const samplingMs = samplingPeriod(readings);
  const widenedMs = baseline === null ? 0 : updateMs + lagOf(samples) + samplingMs;
  const wide = {
    startMs: Math.max(first.atMs, window.startMs - widenedMs),
    endMs: Math.min(last.atMs, window.endMs + widenedMs),
  };
  const part = cut(readings, wide);
  const joules = integral(part);
  const errorJ = gapError(part, updateMs, samplingMs);
  if (baseline === null) {
    // A reading that comes late loses the window its first step.
    const lateJ = ((updateMs + lagOf(samples)) * rangeW(part)) / 1000;
    return { grossJ: joules, grossErrorJ: errorJ + lateJ, netJ: null, netErrorJ: null, updateMs };
  }
  const { before, after } = baseline;
  const [leadS, tailS] = [(window.startMs - wide.startMs) / 1000, (wide.endMs - window.endMs) / 1000];
  const grossJ = joules - before.watts * leadS - after.watts * tailS;
  const grossErrorJ = errorJ + before.errorW * leadS + after.errorW * tailS;
  const idle = idlePower(baseline);
  const seconds = lengthMs(window) / 1000;
  return {
    grossJ,
    grossErrorJ,
    netJ: grossJ - idle.watts * seconds,
    netErrorJ: grossErrorJ + idle.errorW * seconds,
    updateMs,
  };
}

/** Mean power of a window by the readings within it. */
export function readPower(samples: readonly Sample[], window: TimeWindow): Power | Unknown {
  const readings = readingsOf(samples);
  const within = readings.filter(({ atMs }) => atMs >= window.startMs && atMs <= window.endMs);
  const seconds = ((within.at(-1)?.atMs ?? 0) - (within[0]?.atMs ?? 0)) / 1000;
  // Stamps in whole seconds may be one and the same.
  if (seconds === 0) return { reason: "power was read less than twice while idle" };
  const errorJ = gapError(within, updatePeriod(samples), samplingPeriod(readings));
  return { watts: integral(within) / seconds, errorW: errorJ / seconds };
}

export const readingsOf = (samples: readonly Sample[]): Reading[] =>
  samples.flatMap(({ at_ms: atMs, values: { power_w } }) =>
    typeof power_w === "number" ? [{ atMs, watts: power_w }] : [],
  );

/**
 * How far into the past a reading reaches, by its rule: `power.draw` of nvidia-smi is the mean of a second on most GPUs
 * since 2020, and `power.draw.average` on all. NVML's power usage may be either where the GPU is not known.
 */
export const lagOf = (samples: readonly Sample[]): number =>
  /draw$|average|mean of 1 s|usage$/.test(ruleOf(samples)) ? 1000 : 0;

const ruleOf = (samples: readonly Sample[]): string =>
  String(samples.find(({ values }) => typeof values.power_rule === "string")?.values.power_rule ?? "");

/** Changes that are fewer than this are those of the load, and tell nothing of how often a reading is renewed. */
const TELLING_GAPS = 10;

/**
 * How long a reading is held: the median time from one value to the next. Of a steady load without noise the value does
 * not change for seconds however often it is renewed: where that is published it is then taken for no longer.
 */
export function updatePeriod(samples: readonly Sample[]): number {
  const readings = readingsOf(samples);
  const changes = readings.filter(({ watts }, i) => i > 0 && watts !== readings[i - 1]!.watts);
  const gaps = changes.slice(1).map(({ atMs }, i) => atMs - changes[i]!.atMs);
  const published = publishedPeriod(ruleOf(samples));
  const heldMs =
    published !== null && gaps.length < TELLING_GAPS
      ? Math.min(median(gaps) ?? Infinity, published)
      : (median(gaps) ?? 0);
  return Math.max(heldMs, samplingPeriod(readings));
}

/**
 * The longest that is known of readings by this rule, in ms; null: nothing is. Of GPUs 20 (V100) to 100 (A100, H200, RTX 3090;
 * Yang, Adámek and Armour, arXiv 2312.02741, and their data set); a Jetson's sensor chips convert in some 7 ms and its rails
 * repeat below 15.
 */
function publishedPeriod(rule: string): number | null {
  if (rule.startsWith("GPU: ")) return 100;
  return /^(module|whole developer kit)\b/.test(rule) ? 15 : null;
}

const samplingPeriod = (readings: readonly Reading[]): number =>
  median(readings.slice(1).map(({ atMs }, i) => atMs - readings[i]!.atMs)) ?? 0;

/** The readings in a window that they reach over, and between readings its two ends. */
function cut(readings: readonly Reading[], { startMs, endMs }: TimeWindow): Reading[] {
  const at = (atMs: number): Reading => {
    const next = Math.max(
      1,
      readings.findIndex((reading) => reading.atMs >= atMs),
    );
    const [a, b] = [readings[next - 1]!, readings[next] ?? readings[next - 1]!];
    const share = b.atMs > a.atMs ? (atMs - a.atMs) / (b.atMs - a.atMs) : 0;
    return { atMs, watts: a.watts + share * (b.watts - a.watts) };
  };
  return [at(startMs), ...readings.filter(({ atMs }) => atMs > startMs && atMs < endMs), at(endMs)];
}

const integral = (readings: readonly Reading[]): number =>
  readings.slice(1).reduce((sum, { atMs, watts }, i) => {
    const before = readings[i]!;
    return sum + ((before.watts + watts) / 2) * ((atMs - before.atMs) / 1000);
  }, 0);

function rangeW(readings: readonly Reading[]): number {
  // A long window has more readings than a call may have arguments.
  let [low, high] = [Infinity, -Infinity];
  for (const { watts } of readings) [low, high] = [Math.min(low, watts), Math.max(high, watts)];
  return high - low;
}

/**
 * Joules that trapezoids may be off by: half the step times the time in which it may have been taken, which is that of an
 * update where a reading is held; over a hole half of all that was seen.
 */
function gapError(part: readonly Reading[], updateMs: number, samplingMs: number): number {
  const holeMs = HOLE * samplingMs;
  const holeW = rangeW(part) / 2;
  let changedAt = -Infinity;
  let sum = 0;
  for (const [i, { atMs, watts }] of part.entries()) {
    const before = part[i - 1];
    if (before === undefined) continue;
    const gapMs = atMs - before.atMs;
    const step = Math.abs(watts - before.watts);
    if (gapMs > holeMs) sum += gapMs * holeW;
    else if (step > 0) sum += Math.min(atMs - changedAt, updateMs) * (step / 2);
    if (step > 0) changedAt = atMs;
  }
  return sum / 1000;
}
