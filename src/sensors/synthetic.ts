import { checkInterval } from "./poll.js";
import { iterate, type OpenSensor, type Sample, type Sensor, type Values } from "./sensor.js";

/** What a made-up device draws, its integral known in closed form: the truth that estimates are held against. */
export interface Signal {
  /** Power at a time. */
  watts(atMs: number): number;
  /** Energy from the start to a time. */
  joules(fromMs: number, toMs: number): number;
}

/** The same power at all times. */
export const constant = (watts: number): Signal => ({
  watts: () => watts,
  joules: (from, to) => (watts * (to - from)) / 1000,
});

/** From `fromW` at `startMs` to `toW` at `endMs`, flat before and after. */
export function ramp(fromW: number, toW: number, startMs: number, endMs: number): Signal {
  const watts = (at: number): number =>
    fromW + (toW - fromW) * Math.min(1, Math.max(0, (at - startMs) / (endMs - startMs)));
  return { watts, joules: (from, to) => betweenBends(watts, [from, startMs, endMs, to]) };
}

/** Joules under lines between the points in time, those outside of the first and the last left out. */
function betweenBends(watts: (at: number) => number, points: readonly number[]): number {
  const [from, to] = [points[0]!, points.at(-1)!];
  const inside = points.filter((at) => at >= from && at <= to).sort((a, b) => a - b);
  return inside
    .slice(1)
    .reduce((sum, at, i) => sum + ((watts(inside[i]!) + watts(at)) / 2) * ((at - inside[i]!) / 1000), 0);
}

/** High for the share `duty` of every period, then low. */
export function squareWave(lowW: number, highW: number, periodMs: number, duty = 0.5, phaseMs = 0): Signal {
  const phase = (at: number): number => (((at - phaseMs) % periodMs) + periodMs) % periodMs;
  const highMs = (at: number): number =>
    Math.floor((at - phaseMs) / periodMs) * duty * periodMs + Math.min(phase(at), duty * periodMs);
  return {
    watts: (at) => (phase(at) < duty * periodMs ? highW : lowW),
    joules: (from, to) => (lowW * (to - from) + (highW - lowW) * (highMs(to) - highMs(from))) / 1000,
  };
}

/** A load that is switched from outside, e.g. by work that runs on the device's own clock. */
export class SwitchedLoad implements Signal {
  /** Watts from a time on, in order of time. */
  readonly #steps: { fromMs: number; watts: number }[];

  constructor(watts: number) {
    this.#steps = [{ fromMs: -Infinity, watts }];
  }

  /** Must not lie before the last switch. */
  switch(fromMs: number, watts: number): void {
    this.#steps.push({ fromMs, watts });
  }

  /** Power at a time. */
  watts(at: number): number {
    return this.#steps.findLast(({ fromMs }) => fromMs <= at)!.watts;
  }

  /** Energy from the start to a time. */
  joules(from: number, to: number): number {
    return this.#steps.reduce((sum, { fromMs, watts }, i) => {
      const end = Math.min(to, this.#steps[i + 1]?.fromMs ?? Infinity);
      return sum + (watts * Math.max(0, end - Math.max(from, fromMs))) / 1000;
    }, 0);
  }
}

/** What the device draws, and how it tells. */
export interface SyntheticOptions {
  signal: Signal;
  /** Between two samples. Default 20. */
  intervalMs?: number;
  /** The counter moves once in so long, at `phaseMs` and whole ticks from there; null: there is none. Default 100. */
  tickMs?: number | null;
  phaseMs?: number;
  /** The power reading is renewed once in so long and held; 0: at every sample; null: it is never told. Default 0. */
  updateMs?: number | null;
  /** What its power readings say that they are, as a real sensor's. Default: "synthetic device". */
  powerRule?: string;
  /**
   * Only the first so many ms of every `periodMs` are looked at, and stand for all of it: 25 of 100 on an A100 or H100
   * (Yang, Adámek and Armour, arXiv 2312.02741). Counter and power reading both.
   */
  seen?: { windowMs: number; periodMs: number };
  /** Watts that are added to a power reading; from a seeded generator. Default: none. */
  noiseW?: () => number;
  /** The counter starts again from 0. */
  resetAtMs?: number;
  /** Joules that the counter counts and nobody drew. */
  jump?: { atMs: number; joules: number };
  /** Nothing answers any more, as of a lost GPU. */
  lostAtMs?: number;
  /** Its temperature at a time. */
  temperatureC?: (atMs: number) => number;
}

const START_J = 1_000_000;

/** A device whose truth is known. It runs on a clock of its own: a sample is taken as soon as it is asked for. */
export class SyntheticDevice {
  readonly #options: Required<Pick<SyntheticOptions, "signal" | "intervalMs" | "phaseMs">> & SyntheticOptions;
  readonly #samples: Sample[] = [];
  #dueMs = 0;
  #held: { atMs: number; watts: number } | null = null;

  constructor(options: SyntheticOptions) {
    this.#options = { intervalMs: 20, phaseMs: 0, ...options };
    checkInterval(this.#options.intervalMs);
  }

  /** The next sample; the device's clock is its time afterwards. */
  next(): Sample {
    const sample = { at_ms: this.#dueMs, device: null, values: this.#read(this.#dueMs) };
    this.#samples.push(sample);
    this.#dueMs += this.#options.intervalMs;
    return sample;
  }

  /** All samples up to a time. */
  until(atMs: number): readonly Sample[] {
    while (this.#dueMs <= atMs) this.next();
    return this.#samples;
  }

  #read(at: number): Values {
    const { tickMs = 100, updateMs = 0, lostAtMs = Infinity, temperatureC } = this.#options;
    const { powerRule = "synthetic device" } = this.#options;
    const lost = at >= lostAtMs;
    return {
      power_w: lost || updateMs === null ? null : this.#powerW(at, updateMs),
      power_rule: lost || updateMs === null ? null : powerRule,
      energy_j: lost || tickMs === null ? null : this.#counterJ(at, tickMs),
      ...(temperatureC && { temperature_gpu_c: lost ? null : temperatureC(at) }),
    };
  }

  #powerW(now: number, updateMs: number): number {
    const { signal, seen, noiseW = () => 0 } = this.#options;
    const at = updateMs > 0 ? Math.floor(now / updateMs) * updateMs : now;
    if (this.#held?.atMs === at) return this.#held.watts;
    // Of the last window that is over: one that is under way has no reading yet.
    const start = seen ? Math.floor((at - seen.windowMs) / seen.periodMs) * seen.periodMs : at;
    const watts = seen
      ? (1000 * signal.joules(start, start + seen.windowMs)) / seen.windowMs
      : signal.watts(at);
    this.#held = { atMs: at, watts: watts + noiseW() };
    return this.#held.watts;
  }

  /** In whole millijoules, as NVML tells it. */
  #counterJ(at: number, tickMs: number): number {
    const { phaseMs, resetAtMs = Infinity, jump } = this.#options;
    const tick = Math.floor((at - phaseMs) / tickMs) * tickMs + phaseMs;
    const extra = jump && tick >= jump.atMs ? jump.joules : 0;
    const joules =
      tick >= resetAtMs ? this.#countedJ(resetAtMs, tick) : START_J + this.#countedJ(0, tick) + extra;
    return Math.round(1000 * joules) / 1000;
  }

  #countedJ(from: number, to: number): number {
    const { signal, seen } = this.#options;
    if (!seen) return signal.joules(from, to);
    let sum = 0;
    for (let start = from; start < to; start += seen.periodMs)
      sum +=
        (signal.joules(start, start + seen.windowMs) * (Math.min(to, start + seen.periodMs) - start)) /
        seen.windowMs;
    return sum;
  }
}

/** A device of known truth as a sensor: read as fast as it is asked, on its own clock. */
export function synthetic(options: SyntheticOptions): Sensor {
  return {
    source: "synthetic",
    discover: () => Promise.resolve({ devices: ["synthetic device"], reason: null }),
    open: () => {
      const device = new SyntheticDevice(options);
      let closed = false;
      const sensor: OpenSensor = {
        sample: () => Promise.resolve(closed ? null : device.next()),
        problem: null,
        close: () => {
          closed = true;
          return Promise.resolve();
        },
        [Symbol.asyncIterator]: () => iterate(sensor),
      };
      return Promise.resolve(sensor);
    },
  };
}

/** Time that passes only when somebody sleeps on it, so that minutes of measuring take milliseconds. */
export class VirtualClock {
  #nowMs = 0;
  /** Milliseconds since it was made. */
  readonly now = (): number => this.#nowMs;
  /** Lets time pass. */
  readonly sleep = (ms: number): Promise<void> => {
    this.#nowMs += ms;
    return Promise.resolve();
  };
}
