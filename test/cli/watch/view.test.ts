import assert from "node:assert/strict";
import { test } from "node:test";
import { Meter } from "../../../src/cli/watch/meter.js";
import { joules, plainLine, view } from "../../../src/cli/watch/view.js";
import {
  constant,
  ramp,
  SyntheticDevice,
  type SyntheticOptions,
  type Values,
} from "../../../src/sensors/index.js";

function metered(options: SyntheticOptions, untilMs: number): Meter {
  const meter = new Meter();
  for (const sample of new SyntheticDevice(options).until(untilMs)) meter.add(sample);
  return meter;
}

test("energy since the start: of the counter, else of the power", () => {
  const signal = ramp(0, 100, 0, 10_000);
  assert.ok(Math.abs(metered({ signal }, 10_000).joules! - 500) < 0.01);
  assert.ok(Math.abs(metered({ signal, tickMs: null }, 10_000).joules! - 500) < 0.01);
  assert.equal(metered({ signal, tickMs: null, updateMs: null }, 1000).joules, null);
});

test("across a counter's reset, and a time without readings, nothing is added", () => {
  const signal = constant(100);
  const reset = metered({ signal, resetAtMs: 5000 }, 10_000).joules!;
  assert.ok(reset > 980 && reset < 1001, `${reset} J`);
  const meter = new Meter();
  const read = (at_ms: number, power_w: number | null): void => {
    meter.add({ at_ms, device: null, values: { power_w } });
  };
  for (const [at, watts] of [
    [0, 10],
    [1000, 10],
    [2000, null],
    [9000, 10],
    [10_000, 10],
  ] as const)
    read(at, watts);
  assert.equal(meter.joules, 20);
  assert.deepEqual(meter.powers, { lowW: 10, meanW: 10, highW: 10 });
  assert.deepEqual(meter.history, [10, 10, null, 10, 10]);
});

const VALUES: Values = {
  power_w: 123.45,
  energy_j: 5,
  memory_used_bytes: 2 ** 31,
  memory_total_bytes: 2 ** 33,
  gpu_load_pct: 97,
  gpu_clock_mhz: 1980,
  temperature_gpu_c: 61,
  clocks_event_reasons: "sw_power_cap",
};

const told = (values: Values): Meter => {
  const meter = new Meter();
  meter.add({ at_ms: 1000, device: null, values });
  meter.add({ at_ms: 3000, device: null, values });
  return meter;
};

test("a line says what is known and nothing of what is not", () => {
  assert.equal(
    plainLine("GPU-1", told(VALUES)),
    "2.0 s  GPU-1  power 123.5 W  energy 0.00 J  memory 2.0 of 8.0 GiB  load 97 %  clock 1980 MHz  temperature 61 °C  throttle sw_power_cap",
  );
  assert.equal(
    plainLine(null, told({ power_w: null, ram_used_bytes: 2 ** 30, cpu_load_pct: 50 })),
    "2.0 s  memory 1.0 GiB  CPU load 50 %",
  );
});

test("values that are told in turns stay", () => {
  const meter = told({ temperature_gpu_c: 50 });
  meter.add({ at_ms: 4000, device: null, values: { power_w: 5 } });
  assert.match(plainLine(null, meter), /power 5\.0 W.*temperature 50 °C/);
});

test("the view fits its screen, whatever it is", () => {
  const meters = new Map([
    ["0", metered({ signal: ramp(50, 300, 0, 4000) }, 5000)],
    ["1", told({ power_w: null })],
  ]);
  for (const [columns, rows] of [
    [80, 40],
    [30, 40],
    [12, 10],
    [200, 3],
  ] as const) {
    const lines = view("ssm-scope watch", meters, ["something is odd"], { columns, rows });
    assert.ok(lines.length < Math.max(2, rows), `${lines.length} lines of ${rows}`);
    for (const line of lines) assert.ok(line.length <= columns, line);
  }
  const all = view("title", meters, ["something is odd"], { columns: 100, rows: 40 });
  assert.equal(all[0], "title");
  assert.match(all.join("\n"), /lowest 50\.0 W {2}mean \d+\.\d W {2}highest 300\.0 W/);
  assert.match(all.join("\n"), /300\.0 W .*█$/m);
  assert.equal(all.filter((line) => line === "  no power is told").length, 1);
  assert.equal(all.at(-1), "! something is odd");
});

test("joules in a unit that is read at a glance", () => {
  assert.deepEqual([null, 0, 1.234, 812.34, 9999.4, 12_345, 3_600_000].map(joules), [
    "-",
    "0.00 J",
    "1.23 J",
    "812 J",
    "9999 J",
    "12.35 kJ",
    "3.600 MJ",
  ]);
});
