import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { openNvml } from "../../../src/sensors/nvml/library.js";
import { foreignOf } from "../../../src/sensors/nvml/gpu-reader.js";
import { gpuProcesses } from "../../../src/sensors/nvml/processes.js";
import { descendsFrom, pidsAreOfTheMachine } from "../../../src/sensors/own-processes.js";
import { needGcc } from "../../support/gcc.js";
import { temporaryFolder } from "../../support/temporary.js";
import { stubNvml } from "./stub-nvml.js";

const folder = temporaryFolder();
const GPU = 0x1000n;

suite("processes on a GPU, by a stub", needGcc, () => {
  const expected = (processes: number) =>
    Array.from({ length: processes }, (_, i) => ({ pid: 4_000_000 + i, usedBytes: 2 ** 30 + i }));

  for (const stride of [16, 24, 32])
    test(`entries ${stride} bytes apart, by the functions whose entries have 24`, () => {
      const { path, set } = stubNvml(folder, `stride-${stride}.so`);
      const nvml = openNvml(path);
      set("stride", stride);
      for (const processes of [0, 1, 2, 3, 40]) {
        set("processes", processes);
        assert.deepEqual(gpuProcesses(nvml, GPU), expected(processes));
      }
      set("no_bytes", 1);
      set("processes", 2);
      assert.deepEqual((gpuProcesses(nvml, GPU) as { usedBytes: null }[])[1]!.usedBytes, null);
    });

  test("drivers without _v3 (535.98), or without both", () => {
    const { path, set } = stubNvml(folder, "v2.so");
    set("processes", 3);
    set("nvmlDeviceGetComputeRunningProcesses_v3", 13);
    set("nvmlDeviceGetGraphicsRunningProcesses_v3", 3);
    assert.deepEqual(gpuProcesses(openNvml(path), GPU), expected(3));
    const old = stubNvml(folder, "old.so", ["-DOLD"]);
    old.set("processes", 3);
    assert.deepEqual(gpuProcesses(openNvml(old.path), GPU), expected(3));
    set("nvmlDeviceGetComputeRunningProcesses_v3", 4);
    assert.equal(gpuProcesses(openNvml(path), GPU), 3, "neither list is told");
  });
});

test("this process and its children are ours, others are foreign", async () => {
  const child = spawn("sleep", ["30"]);
  const own = new Set([process.pid]);
  const processes = [process.pid, child.pid!, 1].map((pid) => ({ pid, usedBytes: 1 }));
  assert.deepEqual(
    foreignOf(processes, own, true)?.map(({ pid }) => pid),
    [1],
  );
  assert.equal(foreignOf(processes.slice(2), own, false), null, "a container: it may be ours by another id");
  assert.equal(foreignOf([], own, null), null);
  assert.deepEqual(foreignOf([], own, true), []);
  assert.equal(foreignOf(processes, own, false)?.length, 1, "ids are translated, as ours is there");
  child.kill();
  await new Promise((resolve) => child.once("exit", resolve));
});

test("ids of the machine or of a container, and parents, by /proc", () => {
  for (const [name, link] of [
    ["machine", "pid:[4026531836]"],
    ["container", "pid:[4026532201]"],
  ] as const) {
    mkdirSync(join(folder, name, "proc/self/ns"), { recursive: true });
    symlinkSync(link, join(folder, name, "proc/self/ns/pid"));
    assert.equal(pidsAreOfTheMachine(join(folder, name)), name === "machine");
  }
  assert.equal(pidsAreOfTheMachine(join(folder, "nothing")), null);
  for (const [pid, parent] of [
    [7, 5],
    [5, 3],
    [3, 1],
  ]) {
    mkdirSync(join(folder, `machine/proc/${pid}`));
    writeFileSync(join(folder, `machine/proc/${pid}/status`), `Name:\tx\nPid:\t${pid}\nPPid:\t${parent}\n`);
  }
  const descends = (pid: number, root: number) => descendsFrom(pid, new Set([root]), join(folder, "machine"));
  assert.ok(descends(7, 3) && descends(7, 7));
  assert.ok(!descends(3, 7) && !descends(99, 3));
});
