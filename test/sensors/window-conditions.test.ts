import assert from "node:assert/strict";
import { test } from "node:test";
import { eventReasons, reasonNames } from "../../src/sensors/event-reasons.js";
import { samplesToTable, tableToSamples } from "../../src/sensors/samples-table.js";
import type { Sample, Values } from "../../src/sensors/sensor.js";
import { conditionProblems, windowConditions } from "../../src/sensors/window-conditions.js";

const at = (at_ms: number, values: Values, device: string | null = "GPU-a"): Sample => ({
  at_ms,
  device,
  values,
});

const SAMPLES = [
  at(0, { power_w: 90, clocks_event_reasons: "gpu_idle", gpu_clock_mhz: 345 }),
  at(10, {
    power_w: 690,
    clocks_event_reasons: "sw_power_cap",
    gpu_clock_mhz: 1980,
    temperature_gpu_c: 55,
    enforced_power_limit_w: 700,
    foreign_processes: 0,
    foreign_pids: "",
  }),
  at(15, { energy_j: 12 }),
  at(20, {
    power_w: null,
    clocks_event_reasons: "sw_power_cap+hw_thermal_slowdown",
    gpu_clock_mhz: 1200,
    temperature_gpu_c: 71,
  }),
  at(30, {
    power_w: 701.5,
    clocks_event_reasons: "none",
    gpu_clock_mhz: 1755,
    temperature_gpu_c: 68,
    foreign_processes: 2,
    foreign_pids: "12 345",
  }),
];

test("what the samples of a window tell", () => {
  const conditions = windowConditions(SAMPLES, { from_ms: 10, to_ms: 30 });
  assert.deepEqual(conditions, {
    samples: 4,
    eventReasons: ["sw_power_cap", "hw_thermal_slowdown"],
    slowdowns: ["hw_thermal_slowdown"],
    powerCapShare: 2 / 3,
    maxPowerW: 701.5,
    powerLimitW: 700,
    gpuClockMhz: { min: 1200, max: 1980, mean: 1645, readings: 3 },
    temperatureC: { min: 55, max: 71 },
    foreignProcesses: 2,
    foreignPids: [12, 345],
    jetson: null,
  });
  assert.deepEqual(conditionProblems(conditions), [
    "The GPU was slowed down: hw_thermal_slowdown.",
    "2 other processes were on the GPU (pids 12, 345).",
  ]);
  assert.deepEqual(windowConditions(tableToSamples(samplesToTable(SAMPLES)), { from_ms: 10 }), conditions);
});

test("what nobody told is unknown, not fine", () => {
  const { samples, ...rest } = windowConditions([at(1, { power_w: null, foreign_processes: null }, null)]);
  assert.equal(samples, 1);
  assert.ok(Object.values(rest).every((value) => value === null));
  assert.deepEqual(conditionProblems({ samples, ...rest }), []);
  assert.equal(windowConditions([]).eventReasons, null);
  const calm = windowConditions(SAMPLES, { to_ms: 12 });
  assert.deepEqual([calm.slowdowns, calm.foreignPids], [[], []]);
});

test("a Jetson's power mode and clocks are told beside the samples; of another machine they are unknown", () => {
  const orin = { board: "Jetson Orin Nano", l4t: null, nvpmodel: "15W", nvpmodelId: 0, jetsonClocks: false };
  assert.deepEqual(windowConditions(SAMPLES, { jetson: orin }).jetson, orin);
  const other = { board: null, l4t: null, nvpmodel: null, nvpmodelId: null, jetsonClocks: null };
  assert.equal(windowConditions(SAMPLES, { jetson: other }).jetson, null);
});

test("a window is of one device", () => {
  const two = [...SAMPLES, at(12, { power_w: 1 }, "GPU-b"), at(13, { power_w: 2 }, null)];
  assert.throws(() => windowConditions(two), {
    name: "UserError",
    message: /3 devices \(GPU-a, GPU-b, one without a name\): name one/,
  });
  assert.equal(windowConditions(two, { device: "GPU-b" }).maxPowerW, 1);
  assert.equal(windowConditions(two, { device: null }).maxPowerW, 2);
  assert.throws(() => windowConditions([], { from_ms: 2, to_ms: 1 }), /ends before it begins/);
});

test("event reasons: every bit by its name, an unknown one by its number", () => {
  assert.equal(eventReasons(0n), "none");
  assert.deepEqual(reasonNames(eventReasons(0n)), []);
  assert.equal(
    eventReasons(0x1ffn),
    "gpu_idle+applications_clocks_setting+sw_power_cap+hw_slowdown+sync_boost+sw_thermal_slowdown+hw_thermal_slowdown+hw_power_brake_slowdown+display_clock_setting",
  );
  assert.equal(eventReasons((1n << 63n) | 0x200n | 4n), "sw_power_cap+0x200+0x8000000000000000");
});
