import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { counterEnergy, counterPower } from "../../../src/sensors/energy/counter-energy.js";
import { powerEnergy, readPower } from "../../../src/sensors/energy/integrated-power.js";
import type { Baseline, Estimate, Power } from "../../../src/sensors/energy/window.js";
import {
  constant,
  ramp,
  squareWave,
  type Signal,
  type SyntheticOptions,
} from "../../../src/sensors/synthetic.js";
import type { TimeWindow } from "../../../src/sensors/energy/window.js";
import { drawing, trial, type Draw, type Trial } from "./devices.js";

/** Bias and coverage of every estimator, measured over made-up devices whose energy is known, and stated here. */
const RUNS = 40;

type Work = (window: TimeWindow, draw: Draw) => Signal;

const WORKS = {
  constant: () => constant(300),
  ramp: ({ startMs, endMs }) => ramp(100, 600, startMs, endMs),
  "square wave of 1 s": (_, { uniform }) => squareWave(100, 500, 1000, 0.5, 1000 * uniform()),
  "square wave of 130 ms": (_, { uniform }) => squareWave(100, 500, 130, 0.5, 130 * uniform()),
  "square wave of 100 ms": (_, { uniform }) => squareWave(100, 500, 100, 0.5, 100 * uniform()),
} satisfies Record<string, Work>;

const DEVICES = {
  "all seen": { updateMs: 20 },
  "power held 100 ms": { updateMs: 100 },
  "a quarter seen": { updateMs: 100, seen: { windowMs: 25, periodMs: 100 } },
} satisfies Record<string, Partial<SyntheticOptions>>;

const ESTIMATORS = {
  counter: (one, baseline) =>
    counterEnergy(one.samples, one.window, baseline ? baselineOf(one, counterPower) : null),
  power: (one, baseline) =>
    powerEnergy(one.samples, one.window, baseline ? baselineOf(one, readPower) : null),
} satisfies Record<string, (one: Trial, baseline: boolean) => ReturnType<typeof counterEnergy>>;

function baselineOf({ samples, idle }: Trial, power: typeof counterPower): Baseline {
  return { before: power(samples, idle.before) as Power, after: power(samples, idle.after) as Power };
}

interface Quality {
  /** Mean of the relative errors, and their standard deviation, in %. */
  bias: number;
  scatter: number;
  /** Share of runs whose truth is within the bound. */
  coverage: number;
  netCoverage: number;
}

function qualityOf(
  work: keyof typeof WORKS,
  device: keyof typeof DEVICES,
  estimator: keyof typeof ESTIMATORS,
  baseline = true,
): Quality {
  const runs = Array.from({ length: RUNS }, (_, seed) => {
    const one = trial(WORKS[work], drawing(seed + 1), DEVICES[device]);
    const found = ESTIMATORS[estimator](one, baseline) as Estimate;
    return {
      error: 100 * (found.grossJ / one.truthJ - 1),
      covered: Math.abs(found.grossJ - one.truthJ) <= found.grossErrorJ,
      netCovered: found.netJ !== null && Math.abs(found.netJ - one.netJ) <= found.netErrorJ!,
    };
  });
  const bias = runs.reduce((sum, { error }) => sum + error, 0) / RUNS;
  return {
    bias,
    scatter: Math.sqrt(runs.reduce((sum, { error }) => sum + (error - bias) ** 2, 0) / RUNS),
    coverage: runs.filter(({ covered }) => covered).length / RUNS,
    netCoverage: runs.filter(({ netCovered }) => netCovered).length / RUNS,
  };
}

/** [work, device, estimator, bias at most in %, scatter at most in %] */
const STATED: [keyof typeof WORKS, keyof typeof DEVICES, keyof typeof ESTIMATORS, number, number][] = [
  ["constant", "all seen", "counter", 0.02, 0.02],
  ["ramp", "all seen", "counter", 0.02, 0.02],
  ["square wave of 1 s", "all seen", "counter", 0.02, 0.02],
  ["square wave of 130 ms", "all seen", "counter", 0.02, 0.02],
  ["square wave of 100 ms", "all seen", "counter", 0.02, 0.02],
  ["constant", "all seen", "power", 0.1, 0.4],
  ["square wave of 1 s", "all seen", "power", 0.2, 0.6],
  ["square wave of 130 ms", "all seen", "power", 1.5, 7],
  ["constant", "power held 100 ms", "power", 0.4, 1.6],
  ["ramp", "power held 100 ms", "power", 0.5, 2.2],
  ["square wave of 1 s", "power held 100 ms", "power", 0.6, 2.4],
  ["constant", "a quarter seen", "counter", 0.4, 1.4],
  ["ramp", "a quarter seen", "counter", 0.6, 1.8],
  ["square wave of 1 s", "a quarter seen", "counter", 0.6, 1.9],
  ["square wave of 130 ms", "a quarter seen", "counter", 0.8, 3],
  ["constant", "a quarter seen", "power", 0.8, 1.2],
  ["square wave of 1 s", "a quarter seen", "power", 1, 1.7],
];

suite("energy of 2 s of work, idle around it", () => {
  for (const [work, device, estimator, bias, scatter] of STATED)
    test(`${estimator}, ${work}, ${device}: bias below ${bias} %, covered`, () => {
      const quality = qualityOf(work, device, estimator);
      assert.ok(Math.abs(quality.bias) <= bias, `bias ${quality.bias} %`);
      assert.ok(quality.scatter <= scatter, `scatter ${quality.scatter} %`);
      assert.ok(quality.coverage >= 0.95, `coverage ${quality.coverage}`);
      assert.ok(quality.netCoverage >= 0.95, `coverage of net ${quality.netCoverage}`);
    });

  test("what no bound covers: a load in step with the ticks of a device that sees a quarter of them", () => {
    const { scatter, coverage } = qualityOf("square wave of 100 ms", "a quarter seen", "counter");
    assert.ok(scatter > 30, `scatter ${scatter} %`);
    assert.ok(coverage < 0.3, `coverage ${coverage}`);
  });

  test("without a baseline both are low by what an edge loses, within their bounds", () => {
    for (const [estimator, least] of [
      ["counter", -2],
      ["power", -5],
    ] as const) {
      const { bias, coverage } = qualityOf("constant", "power held 100 ms", estimator, false);
      assert.ok(bias < 0 && bias > least, `${estimator}: bias ${bias} %`);
      assert.ok(coverage >= 0.95, `${estimator}: coverage ${coverage}`);
    }
  });
});
