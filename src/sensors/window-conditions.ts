import { UserError } from "../errors.js";
import { POWER_CAP, reasonNames, SLOWDOWNS } from "./event-reasons.js";
import type { JetsonState } from "./jetson-state.js";
import type { Sample, Values } from "./sensor.js";

/** Under which conditions a window was measured: what decides whether its numbers can be trusted. Null is unknown. */
export interface WindowConditions {
  /** Samples in the window. */
  readonly samples: number;
  /** Every reason for clocks below the highest, in the order of their coming. */
  readonly eventReasons: readonly string[] | null;
  /** Those that make the window suspect: slowdowns by heat or hardware. */
  readonly slowdowns: readonly string[] | null;
  /** Share of the samples of event reasons in which the power limit held the clocks down. */
  readonly powerCapShare: number | null;
  readonly maxPowerW: number | null;
  /** The lowest limit that was in force. */
  readonly powerLimitW: number | null;
  readonly gpuClockMhz: (Range & { readonly mean: number; readonly readings: number }) | null;
  /** Of the GPU, or of the module on a Jetson. */
  readonly temperatureC: Range | null;
  /** The most at a time that were not ours. */
  readonly foreignProcesses: number | null;
  readonly foreignPids: readonly number[] | null;
  /** How a Jetson was set up: power mode, and whether jetson_clocks holds the clocks. */
  readonly jetson: JetsonState | null;
}

/** The lowest and the highest reading. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** From when to when, and of which device. */
export interface Window {
  /** On the clock of the samples. Default: all of them. */
  from_ms?: number;
  to_ms?: number;
  /** Of which device, where the samples are of several, as `Sample.device`. */
  device?: string | null;
  /** The machine's `jetsonState()`, which no sample tells. Default: unknown. */
  jetson?: JetsonState | null;
}

/** What the samples of a window, of one device, tell of its conditions. Throws `UserError` where they are of several. */
export function windowConditions(samples: Iterable<Sample>, window: Window = {}): WindowConditions {
  const values = valuesIn(samples, window);
  const reasons = texts(values, "clocks_event_reasons").map(reasonNames);
  const seen = reasons.length === 0 ? null : [...new Set(reasons.flat())];
  const temperature = firstWith(values, ["temperature_gpu_c", "temperature_tj_c"]);
  const foreign = numbers(values, "foreign_processes");
  return {
    samples: values.length,
    eventReasons: seen,
    slowdowns: seen && seen.filter((name) => SLOWDOWNS.includes(name)),
    powerCapShare: seen && reasons.filter((names) => names.includes(POWER_CAP)).length / reasons.length,
    maxPowerW: rangeOf(numbers(values, "power_w"))?.max ?? null,
    powerLimitW: rangeOf(numbers(values, "enforced_power_limit_w"))?.min ?? null,
    gpuClockMhz: withMean(numbers(values, "gpu_clock_mhz")),
    temperatureC: rangeOf(temperature),
    foreignProcesses: rangeOf(foreign)?.max ?? null,
    foreignPids:
      foreign.length === 0
        ? null
        : [...new Set(texts(values, "foreign_pids").flatMap((pids) => pids.split(" ").filter(Boolean)))].map(
            Number,
          ),
    jetson: window.jetson?.board == null ? null : window.jetson,
  };
}

/**
 * Sentences on what in the conditions speaks against the window, for a verdict; none where nothing does. Where the power
 * cap works is information, not a fault: the GPU is as fast as its limit lets it be.
 */
export function conditionProblems(conditions: WindowConditions): string[] {
  const { slowdowns, foreignProcesses, foreignPids } = conditions;
  const problems: string[] = [];
  if (slowdowns && slowdowns.length > 0) problems.push(`The GPU was slowed down: ${slowdowns.join(", ")}.`);
  if (foreignProcesses)
    problems.push(
      `${foreignProcesses} other processes were on the GPU (pids ${foreignPids?.join(", ") || "unknown"}).`,
    );
  return problems;
}

function valuesIn(
  samples: Iterable<Sample>,
  { from_ms = -Infinity, to_ms = Infinity, device }: Window,
): Values[] {
  if (!(from_ms <= to_ms))
    throw new UserError(`The window from ${from_ms} to ${to_ms} ms ends before it begins.`);
  const inside = [...samples].filter(
    (sample) =>
      sample.at_ms >= from_ms && sample.at_ms <= to_ms && (device === undefined || sample.device === device),
  );
  const devices = [...new Set(inside.map((sample) => sample.device))];
  if (devices.length > 1)
    throw new UserError(
      `The window's samples are of ${devices.length} devices (${devices.map((name) => name ?? "one without a name").join(", ")}): name one.`,
    );
  return inside.map(({ values }) => values);
}

const numbers = (values: readonly Values[], name: string): number[] =>
  values.map((told) => told[name]).filter((value) => typeof value === "number");

const texts = (values: readonly Values[], name: string): string[] =>
  values.map((told) => told[name]).filter((value) => typeof value === "string");

/** The readings of the first of the names that has any. */
const firstWith = (values: readonly Values[], names: readonly string[]): number[] =>
  names.map((name) => numbers(values, name)).find((readings) => readings.length > 0) ?? [];

const rangeOf = (readings: readonly number[]): Range | null =>
  readings.length === 0
    ? null
    : readings.reduce(
        (range, value) => ({ min: Math.min(range.min, value), max: Math.max(range.max, value) }),
        {
          min: Infinity,
          max: -Infinity,
        },
      );

/** The mean, as work done goes with it: a prompt and the decoding after it may each have a clock of its own. */
function withMean(readings: readonly number[]): WindowConditions["gpuClockMhz"] {
  const range = rangeOf(readings);
  const sum = readings.reduce((total, reading) => total + reading, 0);
  return range && { ...range, mean: sum / readings.length, readings: readings.length };
}
