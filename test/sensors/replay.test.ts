import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { replay, type ReplayOptions } from "../../src/sensors/replay.js";
import { samplesToTable } from "../../src/sensors/samples-table.js";
import type { Sample } from "../../src/sensors/sensor.js";
import { temporaryFolder } from "../support/temporary.js";
import { FOLDER as TEGRASTATS } from "./tegrastats-files.js";

// papaparse ships no types.
const papa = createRequire(import.meta.url)("papaparse") as {
  parse(text: string, options: object): { data: Record<string, string>[] };
};

const NVIDIA_SMI = join(import.meta.dirname, "../fixtures/nvidia-smi");
const folder = temporaryFolder();
let files = 0;

function file(text: string): string {
  const path = join(folder, `${files++}.txt`);
  writeFileSync(path, text);
  return path;
}

async function all(
  recording: Parameters<typeof replay>[0],
  options: ReplayOptions = {},
): Promise<{ samples: Sample[]; told: string[] }> {
  const told: string[] = [];
  const samples: Sample[] = [];
  const sensor = await replay(recording, options).open({ onWarning: (sentence) => told.push(sentence) });
  for await (const sample of sensor) samples.push(sample);
  return { samples, told };
}

const smi = (name: string): string => join(NVIDIA_SMI, `query-${name}.csv`);

test("a recording of tegrastats is told by its lines; its stamps are the time", async () => {
  const { samples, told } = await all(join(TEGRASTATS, "jetpack5-xavier-nx.log"), {
    time: { intervalMs: 500 },
  });
  assert.deepEqual(
    samples.map(({ at_ms, values }) => [at_ms, values.power_w]),
    [
      [0, 5.542],
      [500, 5.542],
      [1000, 13.711],
      [1500, 13.83],
      [2000, 13.751],
    ],
  );
  assert.deepEqual(told, []);
  const stamped = await all(join(TEGRASTATS, "jetpack5-xavier-nx.log"));
  const [first, second] = stamped.samples;
  assert.equal(second!.at_ms - first!.at_ms, 1000);
});

test("every recorded power of nvidia-smi is the one that papaparse reads, at the time of its row", async () => {
  for (const [name, field] of [
    ["rtx3090-nounits", "power.draw.instant [W]"],
    ["a100-nounits", "power.draw.instant [W]"],
    ["k40m-nounits", "power.draw [W]"],
    ["power-units", "power.draw [W]"],
  ] as const) {
    const rows = papa.parse(readFileSync(smi(name), "utf8").replaceAll(", ", ","), {
      header: true,
      skipEmptyLines: true,
    }).data;
    const { samples, told } = await all(smi(name));
    assert.deepEqual(told, [], name);
    assert.deepEqual(
      samples.map(({ values }) => values.power_w),
      rows.map((row) => parseFloat(row[field] ?? "")),
      name,
    );
    assert.equal(samples[0]?.values.power_rule, `GPU: ${field.split(" ")[0]!}`);
    const wall = (row: Record<string, string>): number =>
      Date.parse(`${row.timestamp!.replaceAll("/", "-").replace(" ", "T")}Z`);
    const since = (times: number[]): number[] => times.map((time) => time - times[0]!);
    assert.deepEqual(since(samples.map(({ at_ms }) => at_ms)), since(rows.map(wall)), name);
  }
});

test("what nvidia-smi does not tell is null, and a unit is in the name whether the cell has it or not", async () => {
  const gb10 = (await all(smi("na-gb10-units"), { time: "received" })).samples[0]!;
  assert.deepEqual(gb10.values, {
    power_w: 5.04,
    power_rule: "GPU: power.draw",
    name: "NVIDIA GB10",
    driver_version: "580.173.02",
    temperature_gpu_c: 39,
    gpu_load_pct: 0,
    utilization_memory_pct: 0,
    power_draw_w: 5.04,
    power_limit_w: null,
    memory_used_bytes: null,
    memory_total_bytes: null,
  });
  const laptop = (await all(smi("na-laptop-units"), { time: "received" })).samples[0]!;
  assert.equal(laptop.values.memory_used_bytes, 1048 * 2 ** 20);
  const old = await all(smi("not-supported-noheader"), {
    time: "received",
    fields:
      "index uuid name temperature.gpu utilization.gpu memory.used memory.total power.draw clocks.sm clocks.mem".split(
        " ",
      ),
  });
  assert.equal(old.samples[0]?.device, "GPU-8dd637a2-1795-5579-b092-2eda825636d2");
  assert.deepEqual([old.samples[0].values.power_w, old.samples[0].values.gpu_clock_mhz], [null, 941]);
  const errors = await all(smi("unknown-error-noheader-nounits"), {
    time: { intervalMs: 1000 },
    fields: ["utilization.gpu", "utilization.encoder", "utilization.decoder"],
  });
  assert.deepEqual(
    errors.samples.slice(0, 2).map(({ values }) => values.gpu_load_pct),
    [0, null],
  );
});

test("several GPUs: each keeps the power that it answered first", async () => {
  const text = [
    "index, power.draw [W], power.draw.instant [W]",
    "0, 10.00 W, 11.00 W",
    "1, 20.00 W, [N/A]",
    "retrying",
    "Unable to determine the device handle for GPU0000:02:00.0: Unknown Error",
    "0, 10.00 W, [Unknown Error]",
    "1, 21.00 W, 22.00 W",
  ].join("\n");
  const { samples, told } = await all(file(`${text}\n`), { time: "received" });
  assert.deepEqual(
    samples.map(({ device, values }) => [device, values.power_w]),
    [
      ["0", 11],
      ["1", 20],
      ["0", null],
      ["1", 21],
    ],
  );
  assert.match(told.join(), /^\S+ line 4 is no reading and is left out: "retrying"\.$/);
});

test("every recording of both folders is read as far as it is one", async () => {
  for (const name of readdirSync(TEGRASTATS).filter((name) => name.endsWith(".log"))) {
    const { samples } = await all(join(TEGRASTATS, name), { time: { intervalMs: 100 } });
    const lines = readFileSync(join(TEGRASTATS, name), "utf8").trimEnd().split("\n");
    assert.equal(samples.length, name === "odd.log" ? lines.length - 1 : lines.length, name);
  }
});

test("a clock that was set back while recording goes on from where it was", async () => {
  const at = (time: string) => `10-26-2025 ${time} RAM 1/2MB (lfb 1x4MB) VDD_IN 5mW/5mW\n`;
  const path = file(["02:59:58", "02:59:59", "02:00:00", "02:00:01"].map(at).join(""));
  const { samples, told } = await all(path);
  assert.deepEqual(
    samples.map(({ at_ms }) => at_ms - samples[0]!.at_ms),
    [0, 1000, 1000, 2000],
  );
  assert.deepEqual(told, [
    `${path} line 3: the clock was set back while recording; the time goes on from where it was.`,
  ]);
});

test("readings of one second, whose stamps tell no more, are spread over it at their pace", async () => {
  const line = (second: number, watts: number): string =>
    `10-26-2025 02:00:0${second} RAM 1/2MB (lfb 1x4MB) VDD_IN ${1000 * watts}mW/5mW\n`;
  // Four a second, begun and ended within one.
  const seconds = [0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3];
  const { samples, told } = await all(file(seconds.map(line).join("")));
  const start = samples[0]!.at_ms - 750;
  assert.deepEqual(
    samples.map(({ at_ms }) => at_ms - start),
    [750, 1000, 1250, 1500, 1750, 2000, 2250, 2500, 2750, 3000, 3250],
  );
  assert.deepEqual(
    samples.map(({ values }) => values.power_w),
    seconds.map((_, i) => i),
  );
  assert.deepEqual(told, []);
  const one = (await all(file([0, 0, 0, 0].map(line).join("")))).samples;
  assert.deepEqual(
    one.map(({ at_ms }) => at_ms - one[0]!.at_ms),
    [0, 250, 500, 750],
  );
  const two =
    "timestamp, index, power.draw [W]\n2026/01/01 00:00:01.000, 0, 5.00 W\n2026/01/01 00:00:01.000, 1, 6.00 W\n";
  const gpus = (await all(file(two))).samples;
  assert.equal(gpus[0]!.at_ms, gpus[1]!.at_ms, "stamps to the millisecond are left as they are");
});

test("a recording that ends inside a line, or is none, or has no time", async () => {
  const whole = "RAM 1/2MB (lfb 1x4MB) VDD_IN 5/5\n";
  const cut = file(`${whole}RAM 1/2MB (lfb 1x4MB) VDD_IN 36`);
  const { samples, told } = await all(cut, { time: { intervalMs: 1 } });
  assert.equal(samples.length, 1);
  assert.deepEqual(told, [
    `${cut} ends inside line 2, which is left out: "RAM 1/2MB (lfb 1x4MB) VDD_IN 36".`,
  ]);
  const fails = async (path: string, message: RegExp, options: ReplayOptions = {}): Promise<void> => {
    await assert.rejects(all(path, options), { name: "UserError", message });
  };
  await fails(file(whole), /line 1 has no time stamp: give the interval at which it was recorded, in ms\.$/);
  await fails(
    file(""),
    /holds no reading of tegrastats or of nvidia-smi --format=csv \(of one without a header, tell the fields\)\.$/,
  );
  await fails(file("a,b\n1,2\n"), /fields\): \S+ line 1 is no reading and is left out: "a,b"\.$/);
  await fails(file(whole), /interval of a recording is 0 ms; it must be above 0\.$/, {
    time: { intervalMs: 0 },
  });
  await fails(file(whole), /are not fields of nvidia-smi/, { fields: ["POWER"] });
  await fails("/nowhere.log", /^There is no recording \/nowhere\.log\.$/);
  await fails(folder, /cannot be read: EISDIR/);
  assert.deepEqual(await replay("/nowhere.log").discover(), {
    devices: [],
    reason: "There is no recording /nowhere.log.",
  });
});

test(
  "a stream that goes on is stamped as it is fetched, and closing ends a wait for it",
  { timeout: 5000 },
  async () => {
    const stream = new PassThrough();
    let now = 5;
    const sensor = await replay(stream, { time: "received" }).open({ clock: () => now });
    stream.write("RAM 1/2MB (lfb 1x4MB) VDD_IN 5/5\nRAM 1/2MB ");
    assert.equal((await sensor.sample())?.at_ms, 5);
    now = 9;
    const next = sensor.sample();
    stream.write("(lfb 1x4MB) VDD_IN 6/6\n");
    assert.deepEqual([(await next)?.at_ms, (await next)?.values.power_w], [9, 0.006]);
    const waiting = sensor.sample();
    await sensor.close();
    assert.equal(await waiting, null);
    assert.equal(await sensor.sample(), null);
    assert.ok(stream.destroyed);
  },
);

test("a table of all: a row a sample, a column a value", async () => {
  const { samples } = await all(smi("a100-nounits"));
  const table = samplesToTable(samples);
  assert.equal(table.numRows(), samples.length);
  assert.deepEqual(table.get("power_w", 3), samples[3]!.values.power_w);
  assert.ok(table.columnNames().includes("at_ms"));
  assert.ok(!table.columnNames().includes("device"), "there is one");
});
