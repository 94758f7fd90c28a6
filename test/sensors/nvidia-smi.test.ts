import assert from "node:assert/strict";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gpu } from "../../src/sensors/gpu.js";
import { nvidiaSmi } from "../../src/sensors/nvidia-smi.js";
import { temporaryFolder } from "../support/temporary.js";

const FAKE = join(import.meta.dirname, "fake-nvidia-smi.sh");
const folder = temporaryFolder();
const fake = (how: string) => ({ command: ["sh", FAKE, how] });
const silent = { onWarning: () => undefined };

test("readings by the names that NVML's have, from open to close", async () => {
  const told: string[] = [];
  const sensor = await nvidiaSmi(fake("new")).open({ onWarning: (sentence) => told.push(sentence) });
  let count = 0;
  for await (const { device, values } of sensor) {
    assert.equal(device, "GPU-a");
    assert.deepEqual(values, {
      power_w: 311.52,
      power_rule: "GPU: power.draw.instant",
      power_draw_instant_w: 311.52,
      power_draw_average_w: 311.52,
      power_draw_w: 311.52,
      enforced_power_limit_w: 311.52,
      memory_used_bytes: null,
      memory_total_bytes: null,
      gpu_load_pct: 97,
      utilization_memory_pct: 97,
      gpu_clock_mhz: 1980,
      clocks_mem_mhz: 1980,
      temperature_gpu_c: 61,
      temperature_memory_c: 61,
      clocks_event_reasons: "sw_power_cap+sw_thermal_slowdown",
    });
    if (++count === 3) break;
  }
  assert.deepEqual(told, []);
});

test("a driver that knows less is asked for what it knows, by its names", async () => {
  const sensor = await nvidiaSmi(fake("old")).open(silent);
  const { values } = (await sensor.sample())!;
  await sensor.close();
  assert.equal(values.power_rule, "GPU: power.draw");
  assert.ok(!("power_draw_instant_w" in values));
  assert.equal(values.clocks_event_reasons, "sw_power_cap+sw_thermal_slowdown");
});

test("asked for more than it tells, it is run as fast as it is, and says so once", async () => {
  for (const [intervalMs, loop, said] of [
    [20, 100, ["nvidia-smi is read every 100 ms and not every 20: it tells no more often."]],
    [250, 250, []],
  ] as const) {
    const told: string[] = [];
    const args = join(folder, "arguments.txt");
    const command = ["sh", "-c", `echo "$@" > ${args}; exec sh ${FAKE} new "$@"`, "nvidia-smi"];
    const sensor = await nvidiaSmi({ command, intervalMs }).open({
      onWarning: (sentence) => told.push(sentence),
    });
    await sensor.sample();
    await sensor.close();
    assert.match(readFileSync(args, "utf8"), new RegExp(`--loop-ms=${loop}$`, "m"));
    assert.deepEqual(told, said);
  }
});

test("it is not there, has no driver, has no GPU, a wrong interval", async () => {
  assert.deepEqual(await nvidiaSmi(fake("new")).discover(), { devices: ["GPU-a", "GPU-b"], reason: null });
  const missing = nvidiaSmi({ command: ["/nowhere/nvidia-smi"] });
  assert.match((await missing.discover()).reason!, /^\/nowhere\/nvidia-smi is not on this machine/);
  await assert.rejects(missing.open(), { name: "UserError", message: /is not on this machine/ });
  await assert.rejects(nvidiaSmi(fake("dead")).open(), {
    name: "UserError",
    message: /couldn't communicate/,
  });
  assert.match((await nvidiaSmi(fake("none")).discover()).reason!, /it says "No devices were found"\.$/);
  assert.throws(() => nvidiaSmi({ intervalMs: 0.5 }), /whole milliseconds/);
  assert.throws(() => nvidiaSmi({ command: [] }), /The command of nvidia-smi is empty/);
});

test("it stands in for an NVML that cannot be loaded, and says so once", async () => {
  const broken = join(folder, "libnvidia-ml.so.1");
  writeFileSync(broken, "no library");
  chmodSync(broken, 0o755);
  const told: string[] = [];
  const options = { library: broken, nvidiaSmi: fake("new") };
  const sensor = await gpu(options).open({ onWarning: (sentence) => told.push(sentence) });
  assert.equal((await sensor.sample())!.values.power_w, 311.52);
  await sensor.close();
  assert.equal(told.length, 1);
  assert.match(told[0]!, /^Could not load NVML.*nvidia-smi stands in, without the energy counter\.$/);
  assert.deepEqual((await gpu(options).discover()).devices, ["GPU-a", "GPU-b"]);
  const neither = { library: broken, nvidiaSmi: fake("dead") };
  await assert.rejects(gpu(neither).open(silent), { name: "UserError", message: /^Could not load NVML/ });
  assert.match((await gpu(neither).discover()).reason!, /^Could not load NVML/);
});
