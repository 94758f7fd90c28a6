import assert from "node:assert/strict";
import { test } from "node:test";
import { REGISTRY } from "../../../src/models/index.js";
import { architectures, verifyArchitectures } from "../../../src/run/gate/architectures.js";
import { openEngine, type OpenEngine } from "../../../src/run/gate/engine.js";

test("every architecture of the registry gives its oracle's logits", async () => {
  const rows = await verifyArchitectures({ progress: "none" });
  for (const { architecture, max_error, verdict } of rows)
    assert.equal(verdict, "passed", `${architecture}: ${max_error}`);
  assert.deepEqual([...new Set(rows.map(({ architecture }) => architecture))].sort(), architectures().sort());
  for (const { arch } of REGISTRY)
    assert.ok(
      rows.some(({ architecture }) => architecture.split("-")[0] === arch),
      arch,
    );
  const ofMamba2 = rows.filter(
    ({ architecture, lowering }) => architecture === "mamba2" && lowering === "ssd-matmul",
  );
  assert.deepEqual(
    ofMamba2.map(({ check, tokens }) => [check, tokens]),
    [
      ["transformers 5.23.0", "1, 7"],
      ["float64 recurrence", "64 + 16 decoded, 130"],
    ],
  );
});

test("logits that are off by more than the tolerance fail", async () => {
  const off: OpenEngine = (cell, source) => {
    const engine = openEngine(cell, source);
    const open: typeof engine.open = (one, lengths) => {
      const answers = engine.open(one, lengths);
      return {
        prefill: (prompt, signal) => answers.prefill(prompt, signal),
        step: (tokens) => answers.step(tokens),
        get logits() {
          return answers.logits?.map((logit) => logit * 1.001);
        },
        [Symbol.dispose]: () => {
          answers[Symbol.dispose]();
        },
      };
    };
    return { ...engine, open };
  };
  const rows = await verifyArchitectures({ progress: "none", engine: off });
  for (const { verdict } of rows) assert.equal(verdict, "failed");
});

test("a type that the provider has no kernels for is refused", async () => {
  await assert.rejects(verifyArchitectures({ dtypes: ["int4"], progress: "none" }), {
    name: "UserError",
    message: /the dtype is "int4"; it must be/,
  });
});
