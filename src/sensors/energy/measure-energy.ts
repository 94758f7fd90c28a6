import { setTimeout as sleepFor } from "node:timers/promises";
import { UserError } from "../../errors.js";
import type { Sample } from "../sensor.js";
import { estimateEnergy, unknownEnergy, type Energy } from "./estimate.js";
import { unseenMs } from "./counter-energy.js";
import { lagOf, updatePeriod } from "./integrated-power.js";
import type { SampleSource } from "./sample-source.js";
import { temperatureC } from "./temperature.js";
import { ticksOf } from "./ticks.js";
import { median, type TimeWindow } from "./window.js";

/** How long, how sure, and by which sensor. */
export interface EnergyOptions {
  /** Where the samples come from; it is left open. Null where no sensor answers, and why in `reason`. */
  source: SampleSource | null;
  reason?: string;
  /** Of the gross energy, that the window is made long enough for. Default 0.02. */
  relativeError?: number;
  /** The work is repeated for this long at least. Default: 2000 ms, or what the relative error asks for. */
  windowMs?: number;
  /** The idle power is measured for so long before the work and after it; 0: not at all, and there is no net energy. Default 1500. */
  idleMs?: number;
  /** After the work, before idle is idle again. Default 500. */
  settleMs?: number;
  /** Waits for the device to be this cool before the first window, at most `coolDownMs`. Default: it does not wait. */
  coolDownC?: number;
  /** Default: a minute. */
  coolDownMs?: number;
  /** Milliseconds on the clock of the samples. Default: `performance.now`. */
  clock?: () => number;
  /** How time passes. Default: it does. */
  sleep?: (ms: number) => Promise<unknown>;
  signal?: AbortSignal;
}

/** A part of the work that is measured by itself, e.g. the prefill. */
export interface Phase {
  readonly name: string;
  /** Once. It must have ended on the device when it returns. */
  readonly run: () => unknown;
  /** What one run makes, e.g. tokens. Default 1. */
  readonly units?: number;
}

export interface PhaseEnergy extends Energy {
  readonly phase: string;
  /** Runs in the window, and how long it was. */
  readonly repetitions: number;
  readonly durationMs: number;
  readonly meanW: number | null;
  /** Of one run. */
  readonly perRunJ: number | null;
  readonly perRunErrorJ: number | null;
  readonly perRunNetJ: number | null;
  /** Of one unit of a run, e.g. a token. */
  readonly perUnitJ: number | null;
  readonly temperatureBeforeC: number | null;
  readonly temperatureAfterC: number | null;
  /** When the phase ran, and what was sampled from idle to idle around it: for whoever asks more of it. */
  readonly window: TimeWindow;
  readonly samples: readonly Sample[];
}

const LEAST_WINDOW_MS = 2000;
/** A source in another thread hands its samples over a little later than they were taken. */
const WAIT_FOR_SAMPLES_MS = 1000;

/** Energy of one piece of work: see `measurePhases`. */
export async function measureEnergy(work: () => unknown, options: EnergyOptions): Promise<PhaseEnergy> {
  const [energy] = await measurePhases([{ name: "work", run: work }], options);
  return energy!;
}

/**
 * Energy of each phase, one after the other: idle, the phase repeated until its window is full, idle again. The idle after
 * one phase is that before the next.
 *
 * Without a sensor every phase is run once, as its effects may be wanted, and its energy is null with the reason. Throws
 * UserError for options that make no sense, and whatever a phase throws.
 */
export async function measurePhases(
  phases: readonly Phase[],
  options: EnergyOptions,
): Promise<PhaseEnergy[]> {
  check(options);
  const {
    source,
    reason = "no sensor of power or energy answers",
    clock = () => performance.now(),
  } = options;
  if (source === null) {
    const results: PhaseEnergy[] = [];
    for (const phase of phases)
      results.push(describe(phase, await repeat(phase, 0, clock, options.signal), unknownEnergy(reason), []));
    return results;
  }
  const { sleep = sleepFor, idleMs = 1500, settleMs = 500, signal } = options;
  const warnings = [source.doubt ?? [], await coolDown(source, clock, sleep, options)].flat();
  // Even without a baseline there must be samples on either side of a window.
  const idle: TimeWindow[] = [await rest(idleMs || settleMs, clock, sleep)];
  const runs: Run[] = [];
  for (const phase of phases) {
    const seen = await source.since(idle.at(-1)!.startMs);
    runs.push(await repeat(phase, options.windowMs ?? fillingMs(seen, options.relativeError), clock, signal));
    const settling = await rest(settleMs + lagOf(seen), clock, sleep);
    idle.push(idleMs > 0 ? await rest(idleMs, clock, sleep) : settling);
  }
  await samplesUntil(source, idle.at(-1)!.endMs, sleep);
  const all = await source.since(idle[0]!.startMs);
  return phases.map((phase, i) => {
    const [before, after] = [idle[i]!, idle[i + 1]!];
    const samples = all.filter(({ at_ms }) => at_ms >= before.startMs && at_ms <= after.endMs);
    const energy = estimateEnergy(samples, runs[i]!.window, idleMs > 0 ? { before, after } : null);
    const told =
      energy.reason !== null && source.problem ? `${energy.reason}: ${source.problem}` : energy.reason;
    const complete = { ...energy, reason: told, warnings: [...warnings, ...energy.warnings] };
    return describe(phase, runs[i]!, complete, samples);
  });
}

function check({ relativeError, windowMs, idleMs, settleMs, coolDownMs }: EnergyOptions): void {
  if (relativeError !== undefined && !(relativeError > 0 && relativeError < 1))
    throw new UserError(`the relative error is ${relativeError}; it must lie between 0 and 1, e.g. 0.01`);
  for (const [name, value] of Object.entries({ windowMs, idleMs, settleMs, coolDownMs }))
    if (value !== undefined && !(value >= 0 && value < Infinity))
      throw new UserError(`${name} is ${value}; it must be a number of milliseconds, 0 or more`);
}

interface Run {
  readonly window: TimeWindow;
  readonly repetitions: number;
}

/** Runs the phase until the time is filled, once at least. */
async function repeat(
  { run }: Phase,
  windowMs: number,
  clock: () => number,
  signal: AbortSignal | undefined,
): Promise<Run> {
  const startMs = clock();
  for (let repetitions = 1; ; repetitions++) {
    signal?.throwIfAborted();
    await run();
    const endMs = clock();
    if (endMs - startMs >= windowMs) return { window: { startMs, endMs }, repetitions };
  }
}

async function rest(
  ms: number,
  clock: () => number,
  sleep: (ms: number) => Promise<unknown>,
): Promise<TimeWindow> {
  const startMs = clock();
  if (ms > 0) await sleep(ms);
  return { startMs, endMs: clock() };
}

/**
 * How long the window must be for the relative error, were the device idle and the work one step up from there. With a
 * counter, its bound at the two edges is a part of a tick, and when the ticks were seen, which is as usual: a sampling that
 * stood still once while idle is no reason for a longer window. With power alone it is the time in which a reading is renewed.
 */
export function fillingMs(idleSamples: readonly Sample[], relativeError = 0.02): number {
  const { ticks, tickMs } = ticksOf(idleSamples);
  const edgesMs =
    tickMs === null
      ? updatePeriod(idleSamples)
      : unseenMs(tickMs) + 2 * (median(ticks.map(({ halfGapMs }) => halfGapMs)) ?? 0);
  return Math.max(LEAST_WINDOW_MS, edgesMs / relativeError);
}

async function samplesUntil(
  source: SampleSource,
  atMs: number,
  sleep: (ms: number) => Promise<unknown>,
): Promise<void> {
  for (let waited = 0; waited < WAIT_FOR_SAMPLES_MS; waited += 20) {
    if ((await source.since(atMs)).length > 0) return;
    await sleep(20);
  }
}

async function coolDown(
  source: SampleSource,
  clock: () => number,
  sleep: (ms: number) => Promise<unknown>,
  { coolDownC, coolDownMs = 60_000, signal }: EnergyOptions,
): Promise<string[]> {
  if (coolDownC === undefined) return [];
  const startMs = clock();
  for (;;) {
    signal?.throwIfAborted();
    const now = temperatureC(await source.since(clock() - 2000), "last");
    if (now !== null && now <= coolDownC) return [];
    if (clock() - startMs >= coolDownMs)
      return [
        now === null
          ? `the device tells no temperature, so it was not known to be at ${coolDownC} °C or below`
          : `the device was at ${now} °C, not at ${coolDownC} °C or below, after ${coolDownMs / 1000} s`,
      ];
    await sleep(Math.min(500, coolDownMs));
  }
}

function describe(
  { name, units = 1 }: Phase,
  { window, repetitions }: Run,
  energy: Energy,
  samples: readonly Sample[],
): PhaseEnergy {
  const durationMs = window.endMs - window.startMs;
  const { grossJ, grossErrorJ, netJ } = energy;
  const each = (joules: number | null): number | null => (joules === null ? null : joules / repetitions);
  const perRunJ = each(grossJ);
  return {
    phase: name,
    ...energy,
    repetitions,
    durationMs,
    meanW: grossJ === null || durationMs === 0 ? null : (1000 * grossJ) / durationMs,
    perRunJ,
    perRunErrorJ: each(grossErrorJ),
    perRunNetJ: each(netJ),
    perUnitJ: perRunJ === null ? null : perRunJ / units,
    temperatureBeforeC: temperatureC(
      samples.filter(({ at_ms }) => at_ms <= window.startMs),
      "last",
    ),
    temperatureAfterC: temperatureC(
      samples.filter(({ at_ms }) => at_ms >= window.endMs),
      "first",
    ),
    window,
    samples,
  };
}
