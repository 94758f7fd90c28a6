import { SyntheticDevice, type Signal, type SyntheticOptions } from "../../../src/sensors/synthetic.js";
import type { Sample } from "../../../src/sensors/sensor.js";
import type { IdleWindows } from "../../../src/sensors/energy/estimate.js";
import type { TimeWindow } from "../../../src/sensors/energy/window.js";
import { normalFrom, randomIndex } from "../../../src/stats/random.js";

/** Work in a window, and idle around it. */
export function during({ startMs, endMs }: TimeWindow, work: Signal, idleW: number): Signal {
  const inside = (at: number): number => Math.min(endMs, Math.max(startMs, at));
  return {
    watts: (at) => (at >= startMs && at < endMs ? work.watts(at) : idleW),
    joules: (from, to) => {
      const [a, b] = [inside(from), inside(to)];
      return (idleW * (to - from - (b - a))) / 1000 + (a === b ? 0 : work.joules(a, b));
    },
  };
}

/** One measurement whose truth is known. */
export interface Trial {
  samples: readonly Sample[];
  window: TimeWindow;
  idle: IdleWindows;
  truthJ: number;
  netJ: number;
}

export interface Draw {
  /** Between 0 and 1. */
  uniform: () => number;
  normal: () => number;
}

export function drawing(seed: number): Draw {
  const random = randomIndex(seed);
  return { uniform: () => random(2 ** 30) / 2 ** 30, normal: normalFrom(random) };
}

const IDLE_W = 70;

/** Idle, work for `seconds`, idle; where ticks and samples fall differs by the draw. */
export function trial(
  work: (window: TimeWindow, draw: Draw) => Signal,
  draw: Draw,
  device: Partial<SyntheticOptions> = {},
  seconds = 2,
): Trial {
  const startMs = 1500 + 100 * draw.uniform();
  const window = { startMs, endMs: startMs + 1000 * seconds + 300 * draw.uniform() };
  const signal = during(window, work(window, draw), IDLE_W);
  const samples = new SyntheticDevice({
    signal,
    phaseMs: 100 * draw.uniform(),
    noiseW: () => 2 * draw.normal(),
    ...device,
  }).until(window.endMs + 2000);
  const truthJ = signal.joules(window.startMs, window.endMs);
  return {
    samples,
    window,
    idle: {
      before: { startMs: 0, endMs: startMs },
      after: { startMs: window.endMs + 500, endMs: window.endMs + 2000 },
    },
    truthJ,
    netJ: truthJ - (IDLE_W * (window.endMs - window.startMs)) / 1000,
  };
}
