import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { judgeVerdict, type VerdictEvidence } from "../../src/run/verdict.js";
import { watchConditions, watchSource, type Watch } from "../../src/run/watch-conditions.js";
import { GPU_0, GPU_1, stubNvml, type StubNvml } from "../sensors/nvml/stub-nvml.js";

const EVIDENCE: VerdictEvidence = {
  windowMs: 20,
  samples: 5,
  isWarm: true,
  gate: null,
  isBeyondPositions: false,
  gpu: null,
  gpuAtFirst: null,
  host: null,
};

suite("a GPU beside a cell", () => {
  let folder: string;
  let nvml: StubNvml;
  let watch: Watch;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "ssm-scope-watch-"));
    nvml = stubNvml(folder, "watched.so");
    watch = await watchSource({
      source: "nvml",
      library: nvml.path,
      gpus: [GPU_0],
      intervalMs: 20,
      stateIntervalMs: 20,
    });
  });
  after(async () => {
    await watch.stop();
    rmSync(folder, { recursive: true });
  });

  test("tells its clock and heat, and of another clock later on that it drifted", async () => {
    await wait(150);
    const first = await watch.since(performance.now());
    assert.ok(first.gpu!.samples > 1, "a sample of no time is looked at with the runs before it");
    assert.deepEqual(
      [first.host, first.gpu!.gpuClockMhz!.mean, first.gpu!.temperatureC!.max],
      [null, 1980, 61],
    );
    assert.equal(judgeVerdict({ ...EVIDENCE, ...first, gpuAtFirst: first.gpu }).verdict, "ok");
    nvml.set("clock_mhz", 1500);
    nvml.set("celsius", 75);
    await wait(1500);
    const later = await watch.since(performance.now());
    assert.deepEqual(judgeVerdict({ ...EVIDENCE, ...later, gpuAtFirst: first.gpu }).verdict_reasons, [
      "clock_drift",
      "temperature_drift",
    ]);
  });

  test("is unknown where the samples are of several, or there is no sensor", async () => {
    const both = await watchSource({
      source: "nvml",
      library: nvml.path,
      gpus: [GPU_0, GPU_1],
      intervalMs: 20,
    });
    await wait(100);
    assert.deepEqual(await both.since(performance.now()), { gpu: null, host: null });
    await both.stop();
    const none = await watchSource({ source: "nvml", library: join(folder, "none.so") });
    assert.deepEqual(await none.since(0), { gpu: null, host: null });
    await none.stop();
  });
});

test("a CPU is watched without a thread", async () => {
  const watch = await watchConditions({ ep: "cpu", deviceId: null, uuid: null });
  const { gpu, host } = await watch.since(performance.now());
  assert.equal(gpu, null);
  assert.ok(host!.cpus! >= 1);
  await watch.stop();
});
