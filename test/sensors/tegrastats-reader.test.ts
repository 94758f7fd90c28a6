import assert from "node:assert/strict";
import { test } from "node:test";
import { tegrastatsReader } from "../../src/sensors/tegrastats-reader.js";
import { LINES } from "./tegrastats-files.js";

const read = (where: string) => tegrastatsReader().read(LINES.get(where)!)!;

test("values are named with their units, and what is no measurement is null", () => {
  const nano = read("jetpack4-nano.log:4").values;
  assert.equal(nano.power_w, 5.143);
  assert.equal(nano.power_rule, "module's 5 V input: POM_5V_IN");
  assert.equal(nano.rail_pom_5v_in_w, 5.143);
  assert.equal(nano.gpu_load_pct, 99);
  assert.equal(nano.gpu_clock_mhz, 921);
  assert.equal(nano.temperature_pmic_c, null, "PMIC is a constant 100 degrees");
  const notRoot = read("jetpack5-xavier-nx.log:1").values;
  assert.equal(notRoot.emc_load_pct, null, "0 % without a clock is what is printed to whoever is not root");
  assert.equal(notRoot.gpu_clock_mhz, null);
  assert.equal(notRoot.cpu4_load_pct, null, "off");
  assert.equal(notRoot.cpu_load_pct, 99.25, "(99 + 100 + 100 + 98) / 4, of the cores that are on");
  assert.equal(notRoot.ram_used_bytes, 2274 * 2 ** 20);
  assert.equal(notRoot.temperature_pmic_c, null, "or of 50");
  const orin = read("jetpack6-agx-orin.log:8").values;
  assert.equal(orin.gpu_clock_mhz, 305, "[305,0]: one cluster is gated");
  assert.equal(orin.nvenc_load_pct, null, "off");
  const off = read("jetpack5-agx-orin.log:4").values;
  assert.equal(off.temperature_gpu_c, null, "-256C");
  assert.equal(off.rail_nc_w, undefined, "not connected");
  const negative = read("odd.log:1").values;
  assert.equal(negative.rail_vdd_cpu_cv_w, -0.398);
  assert.equal(negative.power_w, 3.818);
});

test("the stamp is the wall clock, and no date that does not exist", () => {
  assert.equal(read("jetpack6-agx-orin.log:1").wallMs, Date.UTC(2025, 9, 26, 5, 10, 54));
  assert.equal(read("jetpack4-nano.log:1").wallMs, null);
  const line = "02-31-2025 05:10:54 RAM 1/2MB (lfb 1x4MB)";
  assert.equal(tegrastatsReader().read(line)?.wallMs, null);
});

test("a series keeps the rule of its first power: a Thor kit's input does not go on as its module", () => {
  const reader = tegrastatsReader();
  const kit = reader.read(LINES.get("jetpack7-thor-r38.log:4")!)!;
  assert.equal(kit.values.power_rule, "whole developer kit: VIN");
  const module = reader.read(LINES.get("jetpack7-thor-r38.log:2")!)!;
  assert.deepEqual([module.values.power_w, module.values.power_rule], [null, null]);
  assert.equal(module.values.rail_vdd_cpu_soc_mss_w, 4.923);
  assert.match(
    module.warnings[0]![1],
    /^Power is now told of the module: VDD_GPU \+ .* before of the whole dev/,
  );
  assert.equal(reader.read(LINES.get("jetpack7-thor-r38.log:4")!)?.values.power_w, 19.78);
});

test("without rails power is null, with the reason", () => {
  const reading = read("jetpack5-orin-nx.log:3");
  assert.equal(reading.values.power_w, null);
  assert.deepEqual(
    reading.warnings.map(([key]) => key),
    ["no power"],
  );
  const unknown = tegrastatsReader().read("RAM 1/2MB (lfb 1x4MB) VDD_FOO 3/3 VDD_BAR 4/4");
  assert.match(unknown!.warnings[0]![1], /^The rails VDD_FOO, VDD_BAR fit no single board's rule/);
});

test("what a wrapper prints between lines is no reading", () => {
  const reader = tegrastatsReader();
  for (const noise of ["", "EPOCH 3/10", "GPU@3C", "UTC 2021", "Tue Jan 26 18:22:31 UTC 2021", "NVENC off"])
    assert.equal(reader.read(noise), null, noise);
});
