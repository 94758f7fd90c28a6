import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";

function run(name: string) {
  const script = join(import.meta.dirname, "process-cases.ts");
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, ["--import", "tsx", script, name], {
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status, signal, stdout, stderr };
}

const clean = { status: 0, signal: null, stdout: "", stderr: "" };

test("a process ends cleanly with everything still open", () => {
  assert.deepEqual(run("undisposed"), clean);
  assert.deepEqual(run("exit"), clean);
});

test("a process may end in the middle of a run", () => {
  assert.deepEqual(run("exit-during-run"), clean);
  const { status, signal, stderr } = run("throw-during-run");
  assert.deepEqual([status, signal], [1, null]);
  assert.match(stderr, /thrown on purpose/);
});

test("workers may use the engine beside the main thread, and end before it", () => {
  assert.deepEqual(run("workers"), clean);
});

test("ONNX Runtime's warnings go to standard error", () => {
  const { status, stdout, stderr } = run("warnings");
  assert.deepEqual([status, stdout], [0, ""]);
  assert.match(stderr, /\[W:onnxruntime/);
});
