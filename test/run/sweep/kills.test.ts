import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Row } from "../../../src/record/index.js";
import { temporaryFolder } from "../../support/temporary.js";
import { bundle } from "./bundle.js";
import { killCells } from "./kill-cells.js";

const folder = temporaryFolder();
const KILLS = 25;

/** Whole lines of a file; what a kill left after the last is none. */
function wholeLines(file: string): string[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8").split("\n").slice(0, -1);
}

/** Kills a sweep that often, each time at another moment, and then lets it end; returns its rows. */
async function killAndResume(script: string, out: string, momentsMs: readonly number[]): Promise<Row[]> {
  const file = join(out, "rows.jsonl");
  let before: string[] = [];
  for (const momentMs of momentsMs) {
    const child = spawn(process.execPath, [script, out], { stdio: ["ignore", "ignore", "inherit"] });
    const exit = once(child, "exit");
    // From its first sign of life: what comes before is Node.js's.
    const signs = (): string => (existsSync(out) ? readdirSync(out).join() : "");
    for (const old = signs(); signs() === old && child.exitCode === null;)
      await new Promise((go) => setTimeout(go, 1));
    await new Promise((go) => setTimeout(go, momentMs));
    child.kill("SIGKILL");
    assert.deepEqual((await exit)[1], "SIGKILL", "it had not come to its end");
    const now = wholeLines(file);
    assert.deepEqual(now.slice(0, before.length), before, "no row that was there is gone");
    before = now;
  }
  const last = spawn(process.execPath, [script, out], { stdio: ["ignore", "ignore", "inherit"] });
  assert.deepEqual(await once(last, "exit"), [0, null]);
  assert.deepEqual(readdirSync(out), ["rows.jsonl"], "neither a lock nor a note is left");
  assert.ok(readFileSync(file, "utf8").endsWith("}\n"));
  return wholeLines(file).map((line) => JSON.parse(line) as Row);
}

test("fifty kills at random moments lose no row, double none and leave no half line", async () => {
  const script = await bundle(join(import.meta.dirname, "killed-process.ts"), folder);
  const campaigns = await Promise.all(
    ["a", "b"].map((name) =>
      killAndResume(
        script,
        join(folder, name),
        Array.from({ length: KILLS }, () => 20 * Math.random()),
      ),
    ),
  );
  for (const rows of campaigns) {
    const good = rows.filter(({ status }) => status === "ok").map(({ cell, repeat }) => `${cell} ${repeat}`);
    const due = killCells().flatMap(({ key, repeats }) =>
      Array.from({ length: repeats }, (_, i) => `${key} ${i}`),
    );
    assert.deepEqual(good.sort(), due.sort());
    const others = rows.filter(({ status }) => status !== "ok");
    assert.ok(others.length > 0 && others.length <= KILLS, `${others.length} interrupted`);
    for (const { status, status_reason, model, host } of others) {
      assert.equal(status, "interrupted");
      assert.equal(
        status_reason,
        "the sweep was killed, or its machine stopped, after 0 of 1 rows of this cell",
      );
      assert.ok(model?.startsWith("model-") && host === "fake");
    }
  }
});
