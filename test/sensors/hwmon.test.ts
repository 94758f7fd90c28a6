import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { hwmon } from "../../src/sensors/hwmon.js";
import { temporaryFolder } from "../support/temporary.js";

const folder = temporaryFolder();

/** A made-up sysfs. */
function tree(files: Record<string, string | number>): string {
  const root = mkdtempSync(join(folder, "sys-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), `${text}\n`);
  }
  return root;
}

const channel = (chip: string, n: number, label: string, mv: number, ma: number) => ({
  [`class/hwmon/${chip}/in${n}_label`]: label,
  [`class/hwmon/${chip}/in${n}_input`]: mv,
  [`class/hwmon/${chip}/curr${n}_input`]: ma,
});

const AGX_ORIN = {
  "class/hwmon/hwmon0/name": "cpu_thermal",
  "class/hwmon/hwmon3/name": "ina3221",
  ...channel("hwmon3", 1, "VDD_GPU_SOC", 19_880, 160),
  ...channel("hwmon3", 2, "VDD_CPU_CV", 19_880, -20),
  ...channel("hwmon3", 3, "VIN_SYS_5V0", 5032, 920),
  "class/hwmon/hwmon3/in7_label": "sum of shunt voltages",
  "class/hwmon/hwmon3/in7_input": 1,
  "class/hwmon/hwmon4/name": "ina3221",
  ...channel("hwmon4", 1, "NC", 0, 0),
  ...channel("hwmon4", 2, "VDDQ_VDD2_1V8AO", 5032, 80),
};
const THOR = {
  "class/hwmon/hwmon1/name": "ina3221",
  ...channel("hwmon1", 1, "VDD_GPU", 12_000, 100),
  ...channel("hwmon1", 2, "VDD_CPU_SOC_MSS", 12_000, 400),
  ...channel("hwmon1", 3, "VIN_SYS_5V0", 5000, 1000),
  "class/hwmon/hwmon2/name": "ina238",
  "class/hwmon/hwmon2/power1_input": 19_780_000,
};

async function opened(files: Record<string, string | number>) {
  const root = tree(files);
  const told: string[] = [];
  const sensor = await hwmon({ root, intervalMs: 1 }).open({ onWarning: (sentence) => told.push(sentence) });
  return { root, told, sensor };
}

test("AGX Orin: mV times mA by rail, the board's rule, and neither NC nor the chip's sum", async () => {
  const { sensor, told, root } = await opened(AGX_ORIN);
  assert.deepEqual((await sensor.sample())?.values, {
    power_w: (3180.8 - 397.6 + 4629.44) / 1000,
    power_rule: "module: VDD_GPU_SOC + VDD_CPU_CV + VIN_SYS_5V0",
    rail_vdd_gpu_soc_w: 3.1808,
    rail_vdd_cpu_cv_w: -0.3976,
    rail_vin_sys_5v0_w: 4.62944,
    rail_vddq_vdd2_1v8ao_w: (5032 * 80) / 1000 / 1000,
  });
  assert.deepEqual(told, []);
  const { devices } = await hwmon({ root }).discover();
  assert.deepEqual(devices, ["VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0", "VDDQ_VDD2_1V8AO"]);
});

test("Nano on kernel 4.9: milliwatts of the older driver", async () => {
  const chip = "bus/i2c/drivers/ina3221x/6-0040/iio:device0";
  const { sensor } = await opened({
    [`${chip}/rail_name_0`]: "POM_5V_IN",
    [`${chip}/in_power0_input`]: 1022,
    [`${chip}/rail_name_1`]: "POM_5V_GPU",
    [`${chip}/in_power1_input`]: 40,
  });
  const { values } = (await sensor.sample())!;
  assert.deepEqual([values.power_w, values.rail_pom_5v_gpu_w], [1.022, 0.04]);
});

test("a rail that does not answer is null and told once; a Thor kit does not become its module", async () => {
  const { root, sensor, told } = await opened(THOR);
  assert.equal((await sensor.sample())?.values.power_w, 19.78);
  rmSync(join(root, "class/hwmon/hwmon2/power1_input"));
  for (let i = 0; i < 3; i++) {
    const { values } = (await sensor.sample())!;
    assert.deepEqual([values.power_w, values.power_rule, values.rail_vin_w], [null, null, null]);
    assert.equal(values.rail_vdd_gpu_w, 1.2);
  }
  assert.deepEqual(told, ["Rail VIN does not answer: its readings are null."]);
  assert.equal(sensor.problem, told[0]);
});

test("samples are due at whole intervals, and closing ends a wait", async () => {
  const root = tree(AGX_ORIN);
  let now = 0;
  const sensor = await hwmon({ root, intervalMs: 20 }).open({ clock: () => now });
  const times: number[] = [];
  // The second is overdue, with the one at 40 left out: the next is due at 60, not at 65.
  for (now of [0, 45, 60, 80]) times.push((await sensor.sample())!.at_ms);
  assert.deepEqual(times, [0, 45, 60, 80]);
  now = 90;
  const started = performance.now();
  await sensor.sample();
  assert.ok(performance.now() - started >= 8, "it waits for 100");
  await sensor.close();
  assert.equal(await sensor.sample(), null);
  const slow = await hwmon({ root, intervalMs: 1_000_000 }).open();
  await slow.sample();
  const waiting = slow.sample();
  await slow.close();
  assert.equal(await waiting, null);
});

test("no faster than its slowest chip, which is said once where more was asked for", async () => {
  const root = tree({
    ...AGX_ORIN,
    "class/hwmon/hwmon3/update_interval": 30,
    "class/hwmon/hwmon4/update_interval": 110,
    "class/hwmon/hwmon0/update_interval": 5000,
  });
  for (const [intervalMs, said] of [
    [20, ["Rails are read every 110 ms and not every 20: their chips renew them no more often."]],
    [undefined, []],
  ] as const) {
    const told: string[] = [];
    const sensor = await hwmon({ root, ...(intervalMs && { intervalMs }) }).open({
      onWarning: (sentence) => told.push(sentence),
    });
    const times = [(await sensor.sample())!.at_ms, (await sensor.sample())!.at_ms];
    await sensor.close();
    assert.ok(times[1]! - times[0]! > 105, `${times[1]! - times[0]!} ms`);
    assert.deepEqual(told, said);
  }
});

test("no sensor chip, and an interval that is none", async () => {
  const root = tree({ "class/hwmon/hwmon0/name": "coretemp" });
  const message = `No INA3221 or INA238 power sensor is under ${root}: Jetson modules have them, other machines do not.`;
  assert.deepEqual(await hwmon({ root }).discover(), { devices: [], reason: message });
  await assert.rejects(hwmon({ root }).open(), { name: "UserError", message });
  assert.throws(() => hwmon({ intervalMs: 0 }), {
    name: "UserError",
    message: /is 0 ms; it must be 1 or more/,
  });
});
