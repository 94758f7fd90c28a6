import assert from "node:assert/strict";
import { test } from "node:test";
import { estimateEnergy } from "../../../src/sensors/energy/estimate.js";
import type { Sample } from "../../../src/sensors/sensor.js";
import { constant, type SyntheticOptions } from "../../../src/sensors/synthetic.js";
import { drawing, trial } from "./devices.js";

const WORK_W = 300;
const measured = (device: Partial<SyntheticOptions> = {}) => {
  const one = trial(() => constant(WORK_W), drawing(7), device);
  return { ...one, energy: estimateEnergy(one.samples, one.window, one.idle) };
};

test("the counter comes first, power is its witness, and idle is what it was before and after", () => {
  const { energy, truthJ, netJ } = measured();
  assert.equal(energy.method, "energy_counter");
  assert.ok(Math.abs(energy.grossJ! - truthJ) < 0.001 * truthJ);
  assert.ok(Math.abs(energy.netJ! - netJ) < 0.005 * netJ);
  assert.ok(Math.abs(energy.idleBeforeW! - 70) < 0.5 && Math.abs(energy.idleAfterW! - 70) < 0.5);
  assert.equal(energy.witness?.method, "integrated_power");
  assert.ok(Math.abs(energy.witness.disagreement) < 0.02);
  assert.equal(energy.updateMs, 100);
  assert.deepEqual(energy.warnings, []);
});

test("an idle window has no net energy", () => {
  const one = trial(() => constant(70), drawing(3));
  const { netJ, netErrorJ, grossJ } = estimateEnergy(one.samples, one.window, one.idle);
  assert.ok(Math.abs(netJ!) < 0.01 * grossJ! && Math.abs(netJ!) <= netErrorJ!);
});

test("without a counter power takes its place, without power there is no witness, without either a reason", () => {
  const { energy, truthJ } = measured({ tickMs: null });
  assert.equal(energy.method, "integrated_power");
  assert.ok(Math.abs(energy.grossJ! - truthJ) <= energy.grossErrorJ!);
  assert.equal(energy.witness, null);
  assert.equal(measured({ updateMs: null }).energy.witness, null);
  const neither = measured({ tickMs: null, updateMs: null }).energy;
  assert.deepEqual([neither.method, neither.grossJ, neither.netErrorJ], [null, null, null]);
  assert.equal(neither.reason, "the device tells no energy counter; the device tells no power");
  assert.equal(estimateEnergy([], { startMs: 0, endMs: 1 }, null).reason, "there is no sample");
});

test("a counter that went back, or leapt, is not believed; power takes its place and says so", () => {
  for (const [device, said] of [
    [{ resetAtMs: 2500 }, /^the energy counter went back by \d+ J in the window$/],
    [{ jump: { atMs: 2500, joules: 4e6 } }, /^the energy counter leapt by 40000\d\d J in the window$/],
  ] as const) {
    const { energy, truthJ } = measured(device);
    assert.equal(energy.method, "integrated_power");
    assert.ok(Math.abs(energy.grossJ! - truthJ) <= energy.grossErrorJ!);
    assert.match(energy.warnings.join(), said);
  }
  const { energy } = measured({ resetAtMs: 2500, updateMs: null });
  assert.match(energy.reason!, /went back/);
});

test("a leap too small for a limit is told by the witness", () => {
  const { energy } = measured({ jump: { atMs: 2500, joules: 100 } });
  assert.match(energy.warnings.join(), /^counter and integrated power differ by -1\d\.\d %$/);
});

test("a device that was lost in the window has no energy, and not that until then", () => {
  const { energy } = measured({ lostAtMs: 2500 });
  assert.equal(energy.grossJ, null);
  assert.equal(
    energy.reason,
    "the energy counter was not seen to move after the window; power was not read after the window",
  );
});

test("samples that stopped for a while: what may have happened then is in the bound", () => {
  const { samples, window, idle, truthJ } = measured({ tickMs: null });
  const hole = samples.filter(({ at_ms }) => at_ms < 2200 || at_ms > 3200);
  const whole = estimateEnergy(samples, window, idle);
  const holed = estimateEnergy(hole, window, idle);
  assert.ok(holed.grossErrorJ! > whole.grossErrorJ! + 100, "half of 230 W for a second");
  assert.ok(Math.abs(holed.grossJ! - truthJ) <= holed.grossErrorJ!);
});

test("a tick that was seen late does not tell the idle power", () => {
  const { samples, window, idle } = measured();
  // Nothing is read for a while as the first tick falls, so when it fell is known to 80 ms only.
  const late = samples.filter(({ at_ms }) => at_ms === 0 || at_ms > 160);
  const { idleBeforeW } = estimateEnergy(late, window, idle);
  assert.ok(Math.abs(idleBeforeW! - 70) < 0.5, `${idleBeforeW} W`);
});

test("power without noise does not show how often it is renewed: at worst as what is published of GPUs", () => {
  const gpu = { tickMs: null, noiseW: () => 0, powerRule: "GPU: NVML POWER_INSTANT" };
  for (const updateMs of [0, 20, 100]) {
    for (let seed = 1; seed <= 30; seed++) {
      const one = trial(() => constant(WORK_W), drawing(seed), { ...gpu, updateMs });
      const energy = estimateEnergy(one.samples, one.window, one.idle);
      const said = `renewed every ${updateMs} ms, drawing ${seed}: ${energy.grossJ} ± ${energy.grossErrorJ} J of ${one.truthJ}`;
      assert.ok(Math.abs(energy.grossJ! - one.truthJ) <= energy.grossErrorJ!, said);
      assert.ok(Math.abs(energy.netJ! - one.netJ) <= energy.netErrorJ!, said);
      assert.ok(energy.grossErrorJ! < 0.05 * one.truthJ, said);
    }
  }
  const unknown = measured({ ...gpu, powerRule: "another sensor" }).energy;
  assert.ok(unknown.grossErrorJ! > 0.5 * unknown.grossJ!, "of which nothing is published");
  const slow = measured({ ...gpu, noiseW: drawing(5).normal, updateMs: 200 }).energy;
  assert.equal(slow.updateMs, 200, "noise shows it, whatever is published");
});

test("what the bounds of counter and power explain is no contradiction", () => {
  // Without idle windows the edges may be off by a tick each.
  const { samples, window } = measured({ updateMs: 100, noiseW: () => 0 });
  const short = { startMs: window.startMs + 20, endMs: window.startMs + 180 };
  const { witness, warnings } = estimateEnergy(samples, short, null);
  assert.ok(Math.abs(witness!.disagreement) > 0.05, `${witness!.disagreement}`);
  assert.deepEqual(warnings, []);
});

test("several devices are summed; where one does not answer, there is no sum", () => {
  const { samples, window, idle, energy } = measured();
  const on = (device: string, from: readonly Sample[]): Sample[] =>
    from.map((sample) => ({ ...sample, device }));
  const two = estimateEnergy([...on("0", samples), ...on("1", samples)], window, idle);
  assert.ok(Math.abs(two.grossJ! - 2 * energy.grossJ!) < 1e-6);
  assert.ok(Math.abs(two.idleBeforeW! - 2 * energy.idleBeforeW!) < 1e-6);
  const silent = measured({ tickMs: null, updateMs: null }).samples;
  assert.equal(estimateEnergy([...on("0", samples), ...on("1", silent)], window, idle).grossJ, null);
});

test("a reset while idle leaves no net energy, and says why", () => {
  const { energy, truthJ } = measured({ resetAtMs: 700 });
  assert.equal(energy.method, "energy_counter");
  assert.equal(energy.netJ, null);
  assert.ok(Math.abs(energy.grossJ! - truthJ) <= energy.grossErrorJ!);
  assert.match(
    energy.warnings[0]!,
    /^there is no net energy: the energy counter went back by \d+ J while idle$/,
  );
});

test("idle readings with one time stamp are no mean power", () => {
  const watts = (at_ms: number): Sample => ({ at_ms, device: null, values: { power_w: 5 } });
  const samples = [0, 0, 0, 1000, 1000, 2000, 2000, 3000, 3000].map(watts);
  const idle = { before: { startMs: 0, endMs: 900 }, after: { startMs: 2500, endMs: 3500 } };
  const { grossJ, netJ, warnings } = estimateEnergy(samples, { startMs: 1000, endMs: 2000 }, idle);
  assert.deepEqual([grossJ, netJ], [5, null]);
  assert.deepEqual(warnings, ["there is no net energy: power was read less than twice while idle"]);
});

test("power of an unknown GPU may be the mean of a second, and the bound has it", () => {
  const samples = Array.from({ length: 60 }, (_, i): Sample => ({
    at_ms: 100 * i,
    device: null,
    values: {
      power_w: i < 20 || i >= 40 ? 100 + (i % 2) : 300 + (i % 2),
      power_rule: "GPU: NVML power usage",
    },
  }));
  const { grossErrorJ } = estimateEnergy(samples, { startMs: 1900, endMs: 4100 }, null);
  assert.ok(grossErrorJ! >= 200, `${grossErrorJ} J, a second of 200 W`);
});
