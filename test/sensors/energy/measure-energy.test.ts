import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { fillingMs, measureEnergy, measurePhases } from "../../../src/sensors/energy/measure-energy.js";
import { gather, type SampleSource } from "../../../src/sensors/energy/sample-source.js";
import { temperatureC } from "../../../src/sensors/energy/temperature.js";
import type { OpenSensor, Sample } from "../../../src/sensors/sensor.js";
import {
  constant,
  SwitchedLoad,
  SyntheticDevice,
  VirtualClock,
  type SyntheticOptions,
} from "../../../src/sensors/synthetic.js";

const IDLE_W = 60;

/** A device on a virtual clock, and work that takes its time and draws its power there. */
function bench(device: Partial<SyntheticOptions> = {}) {
  const clock = new VirtualClock();
  const load = new SwitchedLoad(IDLE_W);
  const made = new SyntheticDevice({ signal: load, phaseMs: 37, ...device });
  const source: SampleSource = {
    since: (atMs) => made.until(clock.now()).filter(({ at_ms }) => at_ms >= atMs),
    close: () => Promise.resolve(),
  };
  let runs = 0;
  const work = (watts: number, ms: number) => async (): Promise<void> => {
    runs++;
    load.switch(clock.now(), watts);
    await clock.sleep(ms);
    load.switch(clock.now(), IDLE_W);
  };
  const options = { source, clock: clock.now, sleep: clock.sleep };
  return { clock, load, work, options, runs: () => runs };
}

const near = (value: number | null, truth: number, share: number): void => {
  assert.ok(value !== null && Math.abs(value - truth) <= share * Math.abs(truth), `${value} is not ${truth}`);
};

test("work is repeated until its window is full, and its joules are those of one run", async () => {
  const { work, options, runs } = bench();
  const energy = await measureEnergy(work(400, 30), { ...options, windowMs: 2000 });
  assert.equal(energy.repetitions, 67);
  assert.equal(runs(), 67);
  assert.equal(energy.durationMs, 67 * 30);
  near(energy.grossJ, 400 * 2.01, 0.001);
  near(energy.netJ, 340 * 2.01, 0.005);
  near(energy.perRunJ, 12, 0.001);
  near(energy.perRunNetJ, 10.2, 0.005);
  near(energy.meanW, 400, 0.001);
  near(energy.idleBeforeW, IDLE_W, 0.01);
  near(energy.idleAfterW, IDLE_W, 0.01);
  assert.equal(energy.reason, null);
  const during = energy.samples.filter(
    ({ at_ms }) => at_ms > energy.window.startMs && at_ms < energy.window.endMs,
  );
  assert.ok(during.length >= 95 && during.every(({ values }) => values.power_w === 400));
});

test("phases are told apart, each between idle windows of its own", async () => {
  const { work, options } = bench();
  const phases = await measurePhases(
    [
      { name: "prefill", run: work(500, 120) },
      { name: "decode", run: work(200, 45), units: 15 },
    ],
    options,
  );
  assert.deepEqual(
    phases.map(({ phase }) => phase),
    ["prefill", "decode"],
  );
  near(phases[0]!.perRunJ, 60, 0.002);
  near(phases[1]!.perRunJ, 9, 0.002);
  near(phases[1]!.perUnitJ, 0.6, 0.002);
});

test("the window follows from the requested error and the tick, and its error stays below", async () => {
  const { work, options } = bench();
  for (const relativeError of [0.05, 0.02, 0.005]) {
    const energy = await measureEnergy(work(600, 50), { ...options, relativeError });
    assert.ok(energy.grossErrorJ! <= relativeError * energy.grossJ!, `at ${relativeError}`);
    assert.ok(energy.durationMs >= 2000);
    assert.ok(energy.durationMs < 2000 + 50 + 120 / relativeError);
  }
  assert.equal(fillingMs([], 0.1), 2000, "nothing known of the sensor");
  const power = new SyntheticDevice({ signal: constant(5), tickMs: null }).until(1000);
  assert.equal(fillingMs(power, 0.005), 4000, "20 ms of power readings");
});

test("a sampling that stood still once while idle asks for no longer window", () => {
  const samples = new SyntheticDevice({ signal: constant(60), phaseMs: 37 }).until(1500);
  const stalled = samples.filter(({ at_ms }) => at_ms < 500 || at_ms > 900);
  assert.equal(fillingMs(stalled, 0.005), fillingMs(samples, 0.005));
});

test("no idle windows, no net energy", async () => {
  const { work, options } = bench();
  const energy = await measureEnergy(work(400, 30), { ...options, idleMs: 0, settleMs: 300 });
  assert.ok(energy.reason !== null || energy.netJ === null);
});

test("without a sensor the work is done once and the reason stands for the numbers", async () => {
  const { work, runs } = bench();
  const energy = await measureEnergy(work(1, 1), { source: null, reason: "there is no NVIDIA driver" });
  assert.equal(runs(), 1);
  assert.deepEqual(
    [energy.method, energy.grossJ, energy.perRunJ, energy.meanW, energy.reason],
    [null, null, null, null, "there is no NVIDIA driver"],
  );
});

test("a device lost in mid-run: null with the reason, and the work goes on", async () => {
  const { work, options } = bench({ lostAtMs: 2500 });
  const energy = await measureEnergy(work(400, 30), { ...options, windowMs: 2000 });
  assert.equal(energy.grossJ, null);
  assert.equal(energy.repetitions, 67);
  assert.match(energy.reason!, /not seen to move after the window/);
});

test("a sensor that ends says why, in the reason", async () => {
  const { work, options } = bench({ lostAtMs: 2500 });
  const source = { ...options.source, problem: "tegrastats was killed by SIGKILL." };
  const energy = await measureEnergy(work(400, 30), { ...options, source });
  assert.match(energy.reason!, /power was not read after the window: tegrastats was killed by SIGKILL\.$/);
});

test("a window of hours has more samples than a call has arguments", async () => {
  const { work, options } = bench({ intervalMs: 20, tickMs: null });
  const energy = await measureEnergy(work(400, 4 * 3_600_000), options);
  near(energy.grossJ, 400 * 4 * 3600, 0.001);
});

test("temperatures before and after, and a cool-down that waits for one", async () => {
  const cooling = (at: number): number => Math.max(40, 80 - at / 250);
  const { clock, work, options } = bench({ temperatureC: cooling });
  const energy = await measureEnergy(work(400, 30), { ...options, windowMs: 2000, coolDownC: 50 });
  assert.ok(energy.temperatureBeforeC! <= 50 && energy.temperatureBeforeC! > 40);
  assert.ok(energy.temperatureAfterC! < energy.temperatureBeforeC!);
  assert.ok(clock.now() > 7500);
  assert.deepEqual(energy.warnings, []);
});

test("a device that stays hot, or tells no temperature, is measured and says so", async () => {
  const hot = bench({ temperatureC: () => 80 });
  const settings = { windowMs: 2000, coolDownC: 50, coolDownMs: 1000 };
  const energy = await measureEnergy(hot.work(400, 30), { ...hot.options, ...settings });
  assert.deepEqual(energy.warnings, ["the device was at 80 °C, not at 50 °C or below, after 1 s"]);
  const silent = bench();
  const told = await measureEnergy(silent.work(400, 30), { ...silent.options, ...settings });
  assert.match(told.warnings.join(), /tells no temperature/);
});

test("what the work throws comes out, an abort ends it between two runs", async () => {
  const { work, options, runs } = bench();
  await assert.rejects(
    measureEnergy(() => Promise.reject(new Error("broken")), options),
    { message: "broken" },
  );
  const controller = new AbortController();
  const run = work(400, 30);
  const stopping = async (): Promise<void> => {
    await run();
    controller.abort();
  };
  await assert.rejects(measureEnergy(stopping, { ...options, signal: controller.signal }), {
    name: "AbortError",
  });
  assert.equal(runs(), 1);
});

test("options that make no sense", async () => {
  const { options } = bench();
  for (const [wrong, message] of [
    [{ relativeError: 0 }, "the relative error is 0; it must lie between 0 and 1, e.g. 0.01"],
    [{ windowMs: -1 }, "windowMs is -1; it must be a number of milliseconds, 0 or more"],
    [{ idleMs: NaN }, "idleMs is NaN; it must be a number of milliseconds, 0 or more"],
  ] as const)
    await assert.rejects(
      measureEnergy(() => undefined, { ...options, ...wrong }),
      { name: "UserError", message },
    );
});

test("a sensor gathered in this process, on the real clock", async () => {
  const device = new SyntheticDevice({ signal: constant(100), intervalMs: 1, tickMs: 5 });
  const start = performance.now();
  let closed = false;
  const sensor = {
    sample: async (): Promise<Sample | null> => {
      await sleep(1);
      if (closed) return null;
      const at_ms = performance.now();
      return { ...device.until(at_ms - start).at(-1)!, at_ms };
    },
    problem: "sensor problem",
    close: () => {
      closed = true;
      return Promise.resolve();
    },
  } as unknown as OpenSensor;
  const source = gather(sensor, 1000);
  const settings = { source, windowMs: 100, idleMs: 60, settleMs: 20 };
  const energy = await measureEnergy(() => sleep(5), settings);
  await source.close();
  near(energy.meanW, 100, 0.1);
  assert.equal(source.problem, "sensor problem");
  const before = source.since(0).length;
  await sleep(10);
  assert.equal(source.since(0).length, before, "closed");
  assert.ok(source.since(performance.now()).length === 0);
});

test("without idle windows every phase has its joules, not the first alone", async () => {
  const { work, options } = bench();
  const phases = [
    { name: "prefill", run: work(500, 120) },
    { name: "decode", run: work(200, 45) },
  ];
  const [prefill, decode] = await measurePhases(phases, { ...options, idleMs: 0, windowMs: 2000 });
  assert.deepEqual([prefill!.method, decode!.method], ["energy_counter", "energy_counter"]);
  near(prefill!.perRunJ, 60, 0.03);
  near(decode!.perRunJ, 9, 0.03);
  assert.deepEqual([prefill!.netJ, decode!.netJ], [null, null]);
});

test("the memory's temperature, which is told now and then, is not the GPU's", () => {
  const told = (values: Sample["values"]): Sample => ({ at_ms: 0, device: null, values });
  const samples = [told({ temperature_gpu_c: 40 }), told({ temperature_memory_c: 70 })];
  assert.equal(temperatureC(samples, "last"), 40);
  assert.equal(temperatureC(samples.slice(1), "last"), 70, "the hottest place, where the GPU tells none");
});

test("of several GPUs the hottest counts, whichever was read last", () => {
  const told = (device: string, celsius: number): Sample => ({
    at_ms: 0,
    device,
    values: { temperature_gpu_c: celsius },
  });
  const samples = [told("a", 80), told("b", 40), told("a", 75), told("b", 50)];
  assert.deepEqual([temperatureC(samples, "first"), temperatureC(samples, "last")], [80, 75]);
});
