import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startSampler, type SamplerOptions } from "../../src/sensors/sampler.js";
import { SampleStore } from "../../src/sensors/sample-store.js";
import { ensureDist } from "../support/dist.js";
import { needGcc } from "../support/gcc.js";
import { temporaryFolder } from "../support/temporary.js";
import { GPU_0, stubNvml } from "./nvml/stub-nvml.js";

const folder = temporaryFolder();

/** Keeps this thread busy. */
function block(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

async function started(options: SamplerOptions) {
  const told: string[] = [];
  const sampler = await startSampler({ onWarning: (sentence) => told.push(sentence), ...options });
  return { sampler, told };
}

suite("the sampler on a stub of NVML", needGcc, () => {
  test("100 Hz while this thread is blocked: no sample is lost, and their times are of this thread's clock", async () => {
    const { path, set } = stubNvml(folder, "blocked.so");
    set("power_us", 2000);
    set("energy_us", 4600);
    const intervalMs = 10;
    const { sampler } = await started({
      sources: [{ source: "nvml", library: path, gpus: [GPU_0], intervalMs, stateIntervalMs: 100 }],
    });
    await sleep(100);
    const from = performance.now();
    block(3000);
    const to = performance.now();
    const { samples, lost } = await sampler.stop();
    const times = samples.filter(({ values }) => "power_w" in values).map(({ at_ms }) => at_ms);
    const during = times.filter((at_ms) => at_ms >= from && at_ms < to);
    assert.equal(lost, 0);
    assert.ok(Math.abs(during.length - 3000 / intervalMs) <= 10, `${during.length} samples in 3 s`);
    const energies = samples.filter(({ values }) => typeof values.energy_j === "number");
    assert.ok(new Set(energies.map(({ values }) => values.energy_j)).size >= 30, "the counter's ticks");
    assert.ok(energies.length < times.length / 2, `${energies.length} readings of the counter`);
  });

  test("a rate that the hardware cannot give is told once; the samples go on", async () => {
    const { path, set } = stubNvml(folder, "slow.so");
    set("power_us", 20_000);
    const { sampler, told } = await started({
      sources: [{ source: "nvml", library: path, gpus: [GPU_0] }],
      intervalMs: 5,
    });
    await sleep(700);
    await sampler.since(0);
    const { samples, lost, problems } = await sampler.stop();
    assert.ok(lost > 40 && samples.length > 20, `${samples.length} samples, ${lost} lost`);
    const tooFast = problems.filter((sentence) => /nvml cannot be read as often as asked for/.test(sentence));
    assert.equal(tooFast.length, 1);
    assert.deepEqual(told, problems);
  });

  test("a GPU that is lost in mid-run is told of, what it told before is kept", async () => {
    const { path, set } = stubNvml(folder, "lost.so");
    set("gpus", 1);
    const { sampler } = await started({
      sources: [{ source: "gpu", library: path }, "host"],
      intervalMs: 10,
    });
    await sleep(150);
    set("lost", 1);
    await sleep(100);
    const { samples, problems } = await sampler.stop();
    assert.equal(sampler.problem, problems.at(-1));
    const of = (source: string) => samples.filter((sample) => sample.source === source);
    assert.ok(of("gpu").length > 5);
    assert.ok(of("host").at(-1)!.at_ms > of("gpu").at(-1)!.at_ms + 50, "other sources go on");
    assert.equal(problems.filter((sentence) => /is lost \(GPU_IS_LOST\)/.test(sentence)).length, 1);
  });
});

test("samples since a time, those of now included, without an end to the sampling", async () => {
  const { sampler } = await started({ sources: ["host"], intervalMs: 5 });
  await sleep(100);
  const middle = performance.now();
  await sleep(100);
  const since = await sampler.since(middle);
  assert.ok(since.length >= 10 && since[0]!.at_ms >= middle && since[0]!.source === "host");
  assert.ok(since.at(-1)!.at_ms > performance.now() - 50);
  const [all, again] = await Promise.all([sampler.stop(), sampler.stop()]);
  assert.equal(all, again);
  assert.ok(all.samples.length > since.length);
  await assert.rejects(sampler.since(0), /was stopped/);
});

test("a recording, by its name; what cannot be opened is told of", async () => {
  const recording = join(folder, "orin.log");
  const line = (second: number) =>
    `11-23-2026 10:00:0${second} RAM 1/2MB (lfb 1x4MB) CPU [1%@1] VDD_IN ${second}000mW/1mW\n`;
  writeFileSync(recording, [1, 2, 3].map(line).join(""));
  const { sampler, told } = await started({
    sources: [
      { source: "replay", recording },
      { source: "replay", recording: "/nowhere.log" },
    ],
  });
  await sleep(100);
  const { samples } = await sampler.stop();
  assert.deepEqual(
    samples.map(({ values }) => values.power_w),
    [1, 2, 3],
  );
  assert.deepEqual(told, ["There is no recording /nowhere.log."]);
  const nothing = { sources: [{ source: "nvml", library: "/nowhere.so" }] } as const;
  await assert.rejects(started(nothing), { name: "UserError", message: /^Could not load NVML/ });
  await assert.rejects(started({ sources: [] }), /No source is named/);
  await assert.rejects(started({ sources: ["host"], intervalMs: 0 }), /interval between two samples is 0 ms/);
  await assert.rejects(started({ sources: ["radar" as "host"] }), /no source "radar"; there are gpu, nvml/);
  await assert.rejects(started({ sources: ["replay"] }), /needs its recording/);
  await assert.rejects(started({ sources: ["host"], capacity: 0 }), /keep 0 samples/);
});

suite("the built package", () => {
  before(ensureDist);

  /** What a process prints that ends by itself. */
  const printed = (code: string): string =>
    execFileSync(
      process.execPath,
      ["--input-type=module", "-e", `import { startSampler } from "ssm-scope/sensors"; ${code}`],
      {
        encoding: "utf8",
        timeout: 10_000,
      },
    ).trim();

  test("a sampler works from dist, and neither a running one nor a stopped one keeps the process alive", () => {
    const start = `const sampler = await startSampler({ sources: ["host"], intervalMs: 5 });
      await new Promise((resolve) => setTimeout(resolve, 100));`;
    const count = printed(`${start} console.log((await sampler.stop()).samples.length);`);
    assert.ok(Number(count) >= 10, count);
    assert.equal(printed(`${start} console.log("left running");`), "left running");
  });
});

test("what is kept is bounded: the oldest go and are counted", () => {
  const store = new SampleStore(10);
  for (let i = 0; i < 100; i++) store.push({ at_ms: i, device: null, values: {} });
  assert.equal(store.dropped, 90);
  assert.deepEqual(
    store.since(-Infinity).map(({ at_ms }) => at_ms),
    [90, 91, 92, 93, 94, 95, 96, 97, 98, 99],
  );
  assert.equal(store.since(98).length, 2);
});
