import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { OpenSensor, Sample } from "../../src/sensors/sensor.js";
import { tegrastats, type TegrastatsOptions } from "../../src/sensors/tegrastats.js";
import { temporaryFolder } from "../support/temporary.js";
import { FOLDER } from "./tegrastats-files.js";

const FAKE = join(import.meta.dirname, "fake-tegrastats.sh");
const ORIN = join(FOLDER, "jetpack6-agx-orin.log");
const folder = temporaryFolder();

/** A fake that runs, and what it warned of. */
async function opened(
  how: string,
  options: TegrastatsOptions = {},
  file = ORIN,
): Promise<{ sensor: OpenSensor; told: string[] }> {
  const told: string[] = [];
  const sensor = await tegrastats({ command: ["sh", FAKE, how, file], ...options }).open({
    onWarning: (sentence) => told.push(sentence),
  });
  return { sensor, told };
}

async function all(sensor: OpenSensor): Promise<Sample[]> {
  const samples: Sample[] = [];
  for await (const sample of sensor) samples.push(sample);
  return samples;
}

test("every whole line is a sample at the time of its receipt, the cut last one is not", async () => {
  const { sensor, told } = await opened("twice");
  const before = performance.now();
  const samples = await all(sensor);
  assert.equal(samples.length, 12);
  assert.equal(samples[2]?.values.power_w, 8.738);
  const times = samples.map(({ at_ms }) => at_ms);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  assert.ok(times[0]! >= before - 1000 && times.at(-1)! <= performance.now());
  assert.deepEqual(told, [
    "sh ended by itself with exit code 0 after 12 readings, and there are none from then on.",
  ]);
  assert.equal(sensor.problem, told[0]);
});

test("it runs until it is closed, and a waiting sample is let go", { timeout: 10_000 }, async () => {
  const { sensor, told } = await opened("forever");
  let count = 0;
  for await (const sample of sensor) {
    assert.ok(sample.values.power_w !== null);
    if (++count === 30) break;
  }
  assert.equal(await sensor.sample(), null, "leaving the loop closed it");
  const silent = await opened("silent");
  const waiting = silent.sensor.sample();
  await silent.sensor.close();
  await silent.sensor.close();
  assert.equal(await waiting, null);
  assert.deepEqual([told, silent.told, silent.sensor.problem], [[], [], null], "closing is no trouble");
});

test("one that does not stop when asked is killed", { timeout: 10_000 }, async () => {
  const { sensor, told } = await opened("stubborn");
  await sensor.sample();
  await sensor.close();
  assert.deepEqual(told, []);
});

test("killed: told once, what came before is kept", async () => {
  const { sensor, told } = await opened("killed");
  const samples = await all(sensor);
  assert.equal(samples.length, 12);
  assert.deepEqual(told, ["sh was killed by SIGKILL after 12 readings, and there are none from then on."]);
});

test("silent: told once, and it may still come back", async () => {
  const { sensor, told } = await opened("silent", { silentAfterMs: 50 });
  await sleep(200);
  assert.deepEqual(told, ["sh runs but has printed no reading for 50 ms since it was started."]);
  assert.equal(sensor.problem, told[0]);
  await sensor.close();
});

test("one that refuses is told with its own words", async () => {
  const { sensor, told } = await opened("refuses");
  assert.equal(await sensor.sample(), null);
  assert.deepEqual(told, [
    'sh ended by itself with exit code 3 after 0 readings, and there are none from then on; it last said "tegrastats: ' +
      'unable to open /dev/nvhost".',
  ]);
});

test("a wrapper's prefix is told once", async () => {
  const file = join(folder, "prefixed.log");
  writeFileSync(file, "[it] : RAM 1/2MB (lfb 1x4MB) VDD_IN 5/5\n".repeat(9));
  const { sensor, told } = await opened("twice", {}, file);
  assert.equal((await all(sensor)).length, 9);
  assert.equal(told[0], 'A wrapper writes "[it] :" before tegrastats\' lines: not read.');
  assert.equal(told.length, 2, "and the end");
});

test("a program that is not there, may not be run, or a wrong interval", async () => {
  const missing = tegrastats({ command: ["/nowhere/tegrastats"] });
  const reason =
    "/nowhere/tegrastats is not on this machine: it comes with NVIDIA's Jetson Linux, in /usr/bin (in a container, mount it).";
  assert.deepEqual(await missing.discover(), { devices: [], reason });
  await assert.rejects(missing.open(), { name: "UserError", message: reason });
  const file = join(folder, "not-executable");
  writeFileSync(file, "");
  await assert.rejects(tegrastats({ command: [file] }).open(), {
    name: "UserError",
    message: `${file} may not be run by this user: give it the right to execute the file.`,
  });
  for (const intervalMs of [0, 0.5, NaN])
    assert.throws(() => tegrastats({ intervalMs }), {
      name: "UserError",
      message: /must be whole milliseconds/,
    });
  assert.throws(() => tegrastats({ command: [] }), { name: "UserError" });
  assert.equal((await tegrastats({ command: ["sh"] }).discover()).devices.length, 1);
});

test("it is asked for the interval", async () => {
  const { sensor } = await opened("arguments", { intervalMs: 70 });
  assert.equal((await sensor.sample())?.values.cpu0_load_pct, 70);
});
