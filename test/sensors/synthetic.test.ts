import assert from "node:assert/strict";
import { test } from "node:test";
import {
  constant,
  ramp,
  squareWave,
  SwitchedLoad,
  synthetic,
  SyntheticDevice,
  type Signal,
} from "../../src/sensors/synthetic.js";

const switched = new SwitchedLoad(10);
switched.switch(300, 50);
switched.switch(700, 20);

const SIGNALS: Record<string, Signal> = {
  constant: constant(42),
  ramp: ramp(10, 110, 200, 700),
  "square wave": squareWave(5, 25, 130, 0.3, 17),
  switched,
};

for (const [name, signal] of Object.entries(SIGNALS))
  test(`${name}: its joules are the sum of its watts`, () => {
    for (const [from, to] of [
      [0, 1000],
      [123, 456],
      [-250, 250],
      [650, 2000],
    ] as const) {
      const steps = 200_000;
      const stepMs = (to - from) / steps;
      let sum = 0;
      for (let i = 0; i < steps; i++) sum += signal.watts(from + (i + 0.5) * stepMs) * (stepMs / 1000);
      assert.ok(Math.abs(signal.joules(from, to) - sum) < 1e-3 * sum, `${from} to ${to}`);
    }
  });

const column = (device: SyntheticDevice, name: string): unknown[] =>
  device.until(300).map(({ values }) => values[name]);

test("the counter moves at its ticks, in whole millijoules, and is what was drawn until then", () => {
  const device = new SyntheticDevice({ signal: constant(100), intervalMs: 50, phaseMs: 30 });
  const start = 1_000_000;
  assert.deepEqual(column(device, "energy_j"), [
    start - 7,
    start + 3,
    start + 3,
    start + 13,
    start + 13,
    start + 23,
    start + 23,
  ]);
});

test("of a quarter of the time: the counter and the power are those of what was looked at", () => {
  // High for the first half of each 50 ms: the first 25 ms are always high.
  const device = new SyntheticDevice({
    signal: squareWave(0, 100, 50),
    intervalMs: 100,
    seen: { windowMs: 25, periodMs: 100 },
  });
  assert.deepEqual(column(device, "power_w"), [100, 100, 100, 100]);
  assert.deepEqual(column(device, "energy_j"), [1_000_000, 1_000_010, 1_000_020, 1_000_030]);
});

test("a reading that is held, noise included; a counter that is reset; a device that is lost", () => {
  let noise = 0;
  const options = { signal: ramp(0, 300, 0, 300), intervalMs: 50, updateMs: 100, noiseW: () => noise++ };
  const device = new SyntheticDevice({ ...options, resetAtMs: 100, lostAtMs: 300 });
  assert.deepEqual(column(device, "power_w"), [0, 0, 101, 101, 202, 202, null]);
  assert.deepEqual(column(device, "energy_j"), [1e6, 1e6, 0, 0, 15, 15, null]);
});

test("as a sensor it runs on its own clock", async () => {
  const sensor = await synthetic({ signal: constant(5), intervalMs: 1000 }).open();
  const times: number[] = [];
  for await (const { at_ms } of sensor) {
    times.push(at_ms);
    if (times.length === 3) break;
  }
  assert.deepEqual(times, [0, 1000, 2000]);
  assert.equal(await sensor.sample(), null, "closed");
  assert.throws(() => new SyntheticDevice({ signal: constant(5), intervalMs: 0 }), /must be 1 or more/);
});
