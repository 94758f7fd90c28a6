import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { profileView } from "../../src/cli/profile-view.js";
import { plainTable } from "../../src/profile/index.js";
import { readProfileFile } from "../../src/run/index.js";
import { temporaryFolder } from "../support/temporary.js";

const folder = temporaryFolder();

test("a profile as a terminal shows it: classes with bars, the sum, the nodes that take the most", async () => {
  const file = join(folder, "theirs.json");
  const node = (name: string, op_name: string, ts: number, dur: number) => ({
    cat: "Node",
    name: `${name}_kernel_time`,
    ts,
    dur,
    args: { op_name, input_type_shape: [{ float16: [1, 8] }], output_type_shape: [{ float16: [1, 4] }] },
  });
  writeFileSync(
    file,
    JSON.stringify([
      node("/layers.0/mlp/MatMul", "MatMul", 0, 75_000),
      node("", "Mul", 75_000, 20_000),
      { cat: "Session", name: "model_run", ts: 0, dur: 100_000 },
    ]),
  );
  const { text, failures } = profileView(await readProfileFile(file), 2);
  assert.deepEqual(failures, []);
  assert.deepEqual(text.split("\n"), [
    "theirs",
    `  gemm                  75.00 ms  75.00 %      1 calls  ${"█".repeat(30)}`,
    `  arithmetic            20.00 ms  20.00 %      1 calls  ${"█".repeat(8)}`,
    `  launch_gap             5.00 ms   5.00 %      1 calls  ${"█".repeat(2)}`,
    "  100.00 ms a pass with the profiler (mean of 1)",
    "  classes and gaps sum to 100.00 % of it; 0.00 % unclassified",
    "  the nodes that take the most:",
    "   75.00 %  /layers.0/mlp/MatMul (gemm: float16[1,8] -> float16[1,4])",
    "   20.00 %  a Mul without a name (arithmetic: float16[1,8] -> float16[1,4])",
    "",
  ]);
});

test("a phase that could not be profiled is a failure with its reason, beside those that were", () => {
  const failed = {
    model: "m",
    prompt_tokens: 8,
    phase: "prefill",
    status: "oom",
    status_reason: "too large",
  };
  const tables = { rows: plainTable([]), nodes: plainTable([]), runs: plainTable([failed]) };
  assert.deepEqual(profileView(tables, 5), { text: "", failures: ["m, 8 tokens, prefill: too large"] });
});
