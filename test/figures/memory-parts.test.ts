import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryPartsFigure, type MemoryRun } from "../../src/figures/index.js";
import { CAMPAIGN, own, PAPER } from "./sources.js";
import { rowsWith } from "./spec.js";

const runs = CAMPAIGN as MemoryRun[];
const GIB = 2 ** 30;

test("parts stand on each other and add up to the measured total of the run with the median one", () => {
  const { spec, caption } = memoryPartsFigure(runs);
  const totals = rowsWith(spec, "gib");
  assert.equal(totals.length, 7, "four lengths of the SSM, three of the Transformer");
  const stacks = rowsWith(spec, "part");
  for (const { length, gib } of totals) {
    const tops = stacks.filter((one) => one.length === length && one.part === "runtime and other");
    assert.ok(
      tops.some(({ to }) => Math.abs(Number(to) - Number(gib)) < 1e-9),
      `the stack at ${Number(length)}`,
    );
  }
  // Of five runs, whose totals rise with the repeat, the third.
  const third = runs.find(
    (row) => row.model === "mamba2-1.3b" && row.prompt_tokens === 1024 && row.repeat === 2,
  )!;
  assert.ok(totals.some(({ gib }) => Math.abs(Number(gib) - third.process_device_bytes! / GIB) < 1e-9));
  const runtime = stacks.find((one) => one.part === "runtime and other" && one.length === 1024)!;
  assert.equal(Math.round((Number(runtime.to) - Number(runtime.from)) * GIB), 7e8 + 2e6 - 2e8);
  for (const said of [
    "The total is process_device_bytes",
    "so that the stack equals it",
    "ran out of memory at 57,344",
  ])
    assert.ok(caption.includes(said), said);
});

test("the paper's totals are the sums of their parts, and it measured no process", () => {
  const { spec, caption } = own("memory-parts", PAPER);
  const parts = new Set(rowsWith(spec, "part").map(({ part }) => part));
  assert.deepEqual([...parts], ["weights", "peak activations", "KV cache"]);
  assert.match(caption, /the paper measured no memory of the process/);
});

test("parts that exceed their total are said, not hidden", () => {
  const wrong = runs.map((row) => ({ ...row, process_device_bytes: 0.99 * (row.total_bytes ?? 0) }));
  const { caption } = memoryPartsFigure(wrong);
  assert.match(
    caption,
    /The parts of Mamba2-1\.3B exceed its total at 1,024, 4,096, 16,384 and 57,344 tokens/,
  );
});

test("without a total there is nothing to draw", () => {
  assert.throws(() => memoryPartsFigure([{ model: "m", prompt_tokens: 8 }]), {
    name: "UserError",
    message: "no row of a run that succeeded has process_device_bytes, process_rss_bytes or total_bytes",
  });
});
