import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { host } from "../../src/sensors/host.js";
import { temporaryFolder } from "../support/temporary.js";

const folder = temporaryFolder();

const write = (root: string, files: Record<string, string | number>): void => {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), `${text}\n`);
  }
};

const MACHINE = {
  "proc/stat": "cpu  100 0 50 800 50 0 0 0 0 0\ncpu0 100 0 50 800 50 0 0 0 0 0",
  "proc/meminfo": "MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    400 kB",
  "proc/7/status": "Name:\tit\nVmRSS:\t     123 kB\nThreads: 1",
  "sys/class/powercap/intel-rapl:0/energy_uj": 9_000_000,
  "sys/class/powercap/intel-rapl:0/max_energy_range_uj": 10_000_000,
  "sys/class/powercap/intel-rapl:0:0/energy_uj": 1,
  "sys/class/powercap/intel-rapl:1/energy_uj": 1_000_000,
  "sys/class/powercap/intel-rapl:1/max_energy_range_uj": 10_000_000,
  "sys/class/powercap/intel-rapl:0/name": "package-0",
  "sys/class/powercap/intel-rapl:1/name": "package-1",
  "sys/class/powercap/intel-rapl:2/name": "psys",
  "sys/class/powercap/intel-rapl:2/energy_uj": 0,
};

test("memory, load since the sample before, and energy over the counter's end", async () => {
  const root = mkdtempSync(join(folder, "root-"));
  write(root, MACHINE);
  const told: string[] = [];
  const sensor = await host({ root, pid: 7, intervalMs: 1 }).open({
    onWarning: (sentence) => told.push(sentence),
  });
  assert.deepEqual((await sensor.sample())?.values, {
    process_rss_bytes: 123 * 1024,
    ram_used_bytes: 600 * 1024,
    ram_total_bytes: 1000 * 1024,
    cpu_load_pct: null,
    energy_j: 0,
    energy_rule: "CPU packages: 2 RAPL counters",
  });
  write(root, {
    "proc/stat": "cpu  130 0 60 850 60 0 0 0 0 0",
    "sys/class/powercap/intel-rapl:0/energy_uj": 500_000,
    "sys/class/powercap/intel-rapl:1/energy_uj": 1_250_000,
    "sys/class/powercap/intel-rapl:2/energy_uj": 4_000_000,
  });
  rmSync(join(root, "proc/7"), { recursive: true });
  const { values } = (await sensor.sample())!;
  assert.equal(values.cpu_load_pct, 40, "40 of 100 ticks");
  assert.equal(values.energy_j, 1.75);
  assert.equal(values.process_rss_bytes, null);
  assert.deepEqual(told, ["Process 7 is gone: its memory is null."]);
  rmSync(join(root, "sys/class/powercap/intel-rapl:1/energy_uj"));
  assert.equal((await sensor.sample())?.values.energy_j, null);
  assert.match(told[1]!, /^The energy counters of the CPU \(RAPL\) may not be read/);
});

test("this process, on this machine", { skip: process.platform !== "linux" }, async () => {
  const sensor = await host().open({ onWarning: () => undefined });
  const { values } = (await sensor.sample())!;
  await sensor.close();
  const rss = process.memoryUsage.rss();
  assert.ok(Math.abs(Number(values.process_rss_bytes) - rss) < 0.2 * rss);
  assert.ok(Number(values.ram_used_bytes) < Number(values.ram_total_bytes));
});

test("no /proc", async () => {
  const root = mkdtempSync(join(folder, "root-"));
  const message = `There is no Linux /proc under ${root}.`;
  assert.deepEqual(await host({ root }).discover(), { devices: [], reason: message });
  await assert.rejects(host({ root }).open(), { name: "UserError", message });
});
