import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { PhaseEnergy } from "../../src/sensors/index.js";
import { temporaryFolder } from "../support/temporary.js";
import { formatEnergy, judgeEnergy, type EnergyBench } from "./energy-table.js";

const folder = temporaryFolder();

function bench(...args: string[]) {
  const program = join(import.meta.dirname, "energy.ts");
  return spawnSync(process.execPath, ["--import", "tsx", program, ...args], { encoding: "utf8" });
}

test("on a synthetic device: every window within its bound of the truth, and all that is asked is met", () => {
  const json = join(folder, "energy.json");
  const args = ["--ep", "synthetic", "--seconds", "8", "--repeats", "3", "--json", json];
  const { status, stdout, stderr } = bench(...args);
  assert.equal(status, 0, stderr + stdout);
  const { loaded, idle, verdicts } = JSON.parse(readFileSync(json, "utf8")) as EnergyBench;
  assert.deepEqual(
    [...loaded, ...idle].map(({ window }) => window),
    ["loaded 1", "loaded 2", "loaded 3", "idle 1", "idle 2", "idle 3"],
  );
  for (const one of loaded) {
    const truthJ = 400 * 8 + 75 * 0.041;
    assert.ok(Math.abs(one.counter_j! - truthJ) <= one.counter_error_j!);
    assert.ok(Math.abs(one.power_j! - truthJ) <= one.power_error_j!);
    assert.ok(Math.abs(one.net_j! - 325 * 8) <= one.net_error_j!);
  }
  for (const one of idle) assert.ok(Math.abs(one.counter_j! - 75 * 8) <= one.counter_error_j!);
  assert.deepEqual(
    verdicts.map(({ met }) => met),
    [true, true, true],
  );
  assert.match(stdout, /^\| idle 3 \| 8\.00 \| 600\.0 ± /m);
});

/** What the bench reads of an energy. */
const energy = (phase: string, grossJ: number, powerJ: number | null, netJ: number): PhaseEnergy => ({
  phase,
  method: "energy_counter",
  reason: null,
  grossJ,
  grossErrorJ: 1,
  netJ,
  netErrorJ: 2,
  idleBeforeW: 70,
  idleAfterW: 70,
  updateMs: 100,
  witness:
    powerJ === null
      ? null
      : { method: "integrated_power", grossJ: powerJ, grossErrorJ: 3, disagreement: powerJ / grossJ - 1 },
  warnings: phase === "idle 1" ? ["the device was warm"] : [],
  repetitions: 1,
  durationMs: 1000,
  meanW: grossJ,
  perRunJ: grossJ,
  perRunErrorJ: 1,
  perRunNetJ: netJ,
  perUnitJ: grossJ,
  temperatureBeforeC: null,
  temperatureAfterC: 41,
  window: { startMs: 0, endMs: 1000 },
  samples: [],
});

test("what is missed is said, and what is unknown is not met", () => {
  const loaded = [energy("loaded 1", 990, 1029.6, 900), energy("loaded 2", 1010, 1010, 900)];
  const missed = judgeEnergy(loaded, [energy("idle 1", 70, 70, 4), energy("idle 2", 70, 70, -11)]);
  assert.deepEqual(
    missed.verdicts.map(({ found_pct, met }) => [found_pct!.toFixed(2), met]),
    [
      ["2.00", true],
      ["4.00", false],
      ["1.10", false],
    ],
  );
  const text = formatEnergy(missed);
  assert.match(text, /^- integrated power .* the worst: 4\.00 %, limit 3 %, \*\*missed\*\*$/m);
  assert.match(
    text,
    /^\| loaded 1 \| 1\.00 \| 990\.0 ± 1\.0 \| 1029\.6 ± 3\.0 \| 4\.00 % \| 900\.0 ± 2\.0 \| 990\.0 \| 41 \|$/m,
  );
  assert.match(text, /^- idle 1: the device was warm$/m);
  const [, disagreement] = judgeEnergy([energy("loaded 1", 990, null, 900)], []).verdicts;
  assert.deepEqual([disagreement!.found_pct, disagreement!.met], [null, null]);
  assert.match(formatEnergy(judgeEnergy([energy("loaded 1", 990, null, 900)], [])), /unknown, limit 3 %$/m);
});

test("wrong input", () => {
  const { status, stderr } = bench("--seconds", "0");
  assert.equal(status, 2);
  assert.match(stderr, /--seconds is not a number above 0/);
});
