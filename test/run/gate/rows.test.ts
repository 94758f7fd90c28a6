import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { Row } from "../../../src/record/index.js";
import { plan, verify, type Cell } from "../../../src/run/index.js";
import type { Gate } from "../../../src/run/gate/record.js";
import { verdictColumns } from "../../../src/run/rows.js";
import { runCells } from "../../../src/run/run.js";
import { loadCheckpoint } from "../../support/checkpoint.js";

const [planned] = plan({
  models: ["qwen2.5-0.5b"],
  promptTokens: [8],
  newTokens: 2,
  repeats: 1,
  dtype: "fp16",
  threads: 1,
});
const cell: Cell = { ...planned!, model: loadCheckpoint("qwen2").model };
const WARM = { runs: 2, stable: true };

test("a row whose setting has not passed the gate is suspect, one that failed it is rejected, and both say why", () => {
  const verdict = (gate: Gate | null, stable = true): unknown[] => {
    const row = verdictColumns(
      { ...WARM, stable },
      {
        gate,
        samples: 5,
        windowMs: 20,
        isBeyondPositions: false,
        gpu: null,
        gpuAtFirst: null,
        host: null,
      },
    );
    return [row.gate, row.verdict, row.verdict_reasons];
  };
  assert.deepEqual(verdict("passed"), ["passed", "ok", []]);
  assert.deepEqual(verdict(null), [null, "ok", []]);
  assert.deepEqual(verdict("not-run"), ["not-run", "suspect", ["unverified_numerics"]]);
  assert.deepEqual(verdict("failed"), ["failed", "rejected", ["wrong_numerics"]]);
  assert.deepEqual(verdict("failed", false), ["failed", "rejected", ["unstable_warmup", "wrong_numerics"]]);
});

suite("run and verify mean the same setting", () => {
  const earlier = process.env.XDG_CACHE_HOME;
  let cache: string;
  before(() => {
    cache = mkdtempSync(join(tmpdir(), "ssm-scope-cache-"));
    process.env.XDG_CACHE_HOME = cache;
  });
  after(() => {
    if (earlier === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = earlier;
    rmSync(cache, { recursive: true });
  });
  const gates = async (change: Partial<Cell> = {}): Promise<unknown[]> => {
    const table = await runCells([{ ...cell, ...change }], { progress: "none" });
    return (table.objects() as Row[]).map(({ gate, verdict_reasons }) => [
      gate ?? null,
      verdict_reasons?.filter((reason) => reason.endsWith("_numerics")),
    ]);
  };

  test("before, after, and for another setting", async () => {
    assert.deepEqual(await gates(), [["not-run", ["unverified_numerics"]]]);
    assert.deepEqual(readdirSync(cache), [], "asking leaves nothing behind");
    await verify({ models: [cell.model], dtypes: ["fp16"], progress: "none" });
    assert.deepEqual(await gates(), [["passed", []]]);
    assert.deepEqual(await gates({ promptTokens: 100, segmentTokens: 16 }), [["passed", []]]);
    const other = { ...cell.model, config: { ...cell.model.config, rms_norm_eps: 1e-5 } } as Cell["model"];
    assert.deepEqual(await gates({ model: other }), [["not-run", ["unverified_numerics"]]]);
    assert.deepEqual(await gates({ dtype: "fp32" }), [[null, []]]);
  });
});
