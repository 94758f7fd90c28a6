import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { lockFolder } from "../../../src/run/lock.js";
import { processStart } from "../../../src/run/process-start.js";
import { temporaryFolder } from "../../support/temporary.js";
import { bundle } from "./bundle.js";

const folder = temporaryFolder();
const fresh = (name: string): string => {
  const path = join(folder, name);
  mkdirSync(path);
  return path;
};
const lockName = (pid: number, start: string, host = os.hostname()): string => `lock-${pid}-${start}@${host}`;

test("a process is known by its id and its start", () => {
  const started = /^(\d+)$/.exec(
    execFileSync("sh", ["-c", `cut -d' ' -f22 /proc/${process.pid}/stat`], { encoding: "utf8" }).trim(),
  );
  assert.equal(processStart(process.pid), started?.[1], "the name `node` has no space");
  assert.equal(processStart(2 ** 22 + 1), null);
});

test("a folder is held by one, until it is given back", () => {
  const here = fresh("one");
  {
    using held = lockFolder(here);
    assert.ok(held);
    assert.throws(() => lockFolder(here), {
      name: "UserError",
      message: /is already in use by this process/,
    });
  }
  assert.deepEqual(readdirSync(here), []);
  lockFolder(here)[Symbol.dispose]();
});

test("the lock of a process that runs is respected; one that was killed, or whose id is used again, is not", async () => {
  const here = fresh("other");
  const other = spawn("sleep", ["60"]);
  await once(other, "spawn");
  const name = lockName(other.pid!, processStart(other.pid!)!);
  writeFileSync(join(here, name), "");
  assert.throws(() => lockFolder(here), {
    name: "UserError",
    message: `${here} is in use by process ${other.pid}; wait for it or end it, or choose another folder (--out)`,
  });
  assert.deepEqual(readdirSync(here), [name], "the claim was given up");
  other.kill("SIGKILL");
  await once(other, "exit");
  writeFileSync(join(here, lockName(process.pid, "1")), "");
  using held = lockFolder(here);
  assert.ok(held);
  assert.deepEqual(readdirSync(here), [lockName(process.pid, processStart(process.pid)!)]);
});

test("another host's is respected, as its processes cannot be seen", () => {
  const here = fresh("host");
  const name = lockName(1, "1", "node-17");
  writeFileSync(join(here, name), "");
  assert.throws(() => lockFolder(here), {
    message: `${here} is in use by process 1 on node-17; wait for it, or, if it runs no longer, delete ${join(here, name)}`,
  });
});

test("of several that take over a dead one's lock at once, one gets it", async () => {
  const script = await bundle(join(import.meta.dirname, "lock-process.ts"), folder);
  for (let round = 0; round < 2; round++) {
    const here = fresh(`race-${round}`);
    writeFileSync(join(here, lockName(2 ** 22 + 1, "5")), "");
    const at = Date.now() + 400;
    const racers = Array.from({ length: 4 }, () => spawn(process.execPath, [script, here, String(at)]));
    const codes = await Promise.all(racers.map(async (racer) => (await once(racer, "exit"))[0] as number));
    assert.deepEqual(codes.sort(), [0, 2, 2, 2], "0: held it, 2: refused");
    assert.deepEqual(readdirSync(here), []);
  }
});
