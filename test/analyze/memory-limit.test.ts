import assert from "node:assert/strict";
import { test } from "node:test";
import type { ColumnTable } from "arquero";
import { MEMORY_CAUSES, memoryLimit, memoryNeeded } from "../../src/analyze/index.js";
import { loadPaper, loadRows, type Row } from "../../src/record/index.js";
import { normal, tableOf } from "./samples.js";

const GIB = 2 ** 30;
const LENGTHS = [512, 1024, 2048, 4096, 8192, 16384];
type Found = Readonly<Record<string, unknown>>;
const objects = (table: ColumnTable): Found[] => table.objects() as Found[];
const refused = (act: () => unknown, message: string | RegExp): void => {
  assert.throws(act, { name: "UserError", message });
};

/** A cache of 10 KB and activations of 30 KB a token beside 1 GB of weights. */
const rowAt = (prompt_tokens: number, more: Row = {}): Row => ({
  kind: "latency",
  model: "m",
  device: "gpu",
  prefill: "monolithic",
  prompt_tokens,
  weights_bytes: 1e9,
  kv_cache_bytes: 1e4 * prompt_tokens,
  ssm_state_bytes: 5e6,
  conv_state_bytes: 1e6,
  peak_activation_bytes: 3e4 * prompt_tokens,
  total_bytes: 1e9 + 4e4 * prompt_tokens + 12e6,
  context_bytes: 4e8,
  arena_slack_bytes: 1e7,
  residual_bytes: -2e6,
  ...more,
});
const rows = LENGTHS.map((length) => rowAt(length));

test("memory without scatter: the limit is where algebra says, and its causes add up to the budget", () => {
  const budget = 4 * GIB;
  const [found] = objects(memoryLimit(tableOf(rows), { memoryBytes: budget }));
  const limit = Math.floor((budget - 1e9 - 12e6 - 4e8 - 8e6) / 4e4);
  assert.deepEqual(
    ["predicted_tokens", "predicted_tokens_lo", "predicted_tokens_hi"].map((name) => found![name]),
    [limit, limit, limit],
  );
  assert.deepEqual([found!["state"], found!["limited_by"]], ["extrapolated", "peak_activation_bytes"]);
  const parts = MEMORY_CAUSES.map((cause) => found![cause] as number);
  const sum = parts.reduce((total, part) => total + part, 0);
  assert.ok(sum <= budget && sum > budget - 4e4, `${sum} of ${budget}`);
  assert.ok(Math.abs(parts[MEMORY_CAUSES.indexOf("states_bytes")]! - 12e6) < 1);
  assert.ok(Math.abs(parts[MEMORY_CAUSES.indexOf("other_bytes")]! - 408e6) < 1);
});

test("the budget needed for a length is the inverse of the limit", () => {
  const bytes = (promptTokens: number): number =>
    memoryNeeded(tableOf(rows), { promptTokens }).get("needed_bytes", 0) as number;
  const limit = memoryLimit(tableOf(rows), { memoryBytes: 2 * GIB }).get("predicted_tokens", 0) as number;
  assert.ok(bytes(limit) <= 2 * GIB && bytes(limit + 1) > 2 * GIB);
  const table = memoryNeeded(tableOf(rows), { promptTokens: [1000, 65536] });
  assert.deepEqual(table.array("state"), ["within", "extrapolated"]);
});

test("measured activations stop growing at the segment: lengths up to 1024 foretell 2016 and 2032", () => {
  const measured = loadRows("test/fixtures/memory/measured.csv");
  const short = measured.filter((row: Row) => row.prompt_tokens! <= 1024);
  const predicted = objects(memoryNeeded(short, { promptTokens: [2016, 2032] }));
  const longest = (measured.objects() as Row[]).filter(({ prompt_tokens }) => prompt_tokens! > 2000);
  assert.equal(longest.length, 3);
  for (const row of longest) {
    const found = predicted.find(
      (each) =>
        each["model"] === row.model &&
        each["segment_tokens"] === row.segment_tokens &&
        each["prompt_tokens"] === row.prompt_tokens,
    )!;
    const asked = MEMORY_CAUSES.filter((cause) => cause !== "other_bytes").reduce(
      (sum, cause) => sum + (found[cause] as number),
      0,
    );
    // Mamba2's last segment has a shape of its own, for which the allocator holds 19 MB more.
    assert.ok(
      Math.abs(asked / row.total_bytes! - 1) < 0.03,
      `${row.model}: ${asked}, not ${row.total_bytes}`,
    );
    if (row.segment_tokens === 256) assert.ok(Math.abs(asked / row.total_bytes! - 1) < 1e-3);
    // The process: a resident size, which scatters by tens of MB.
    const held = row.total_bytes! + row.context_bytes! + row.arena_slack_bytes! + row.residual_bytes!;
    assert.ok(Math.abs((found["needed_bytes"] as number) / held - 1) < 0.05);
  }
});

test("of the paper's rows activations set every limit, not the cache; what they predict is too long where it is wrong", () => {
  const memory = loadPaper("memory").filter(
    (row: Row) => row.prompt_tokens! > 256 && row.device === "rtx4090",
  );
  const found = objects(memoryLimit(memory, { truth: loadPaper("limit") }));
  assert.deepEqual([...new Set(found.map((row) => row["limited_by"]))], ["peak_activation_bytes"]);
  const agreement: unknown = Object.fromEntries(found.map((row) => [row["model"], row["agreement"]]));
  // The rows hold what tensors take, not the CUDA context or the allocator's slack, and no cache for Falcon-H1.
  assert.deepEqual(agreement, {
    "phi-3-mini-128k": "agrees",
    "qwen2.5-0.5b": "too-long",
    "qwen2.5-1.5b": "agrees",
    "llama-3.2-1b": "too-long",
    "mamba-790m": "not-refuted",
    "mamba-1.4b": "agrees",
    "mamba2-780m": "not-refuted",
    "falcon-h1-0.5b": "too-long",
    "zamba2-1.2b": "too-long",
  });
  const falcon = (memory.objects() as Row[]).filter(({ model }) => model === "falcon-h1-0.5b");
  const cached = tableOf(
    falcon.map((row) => ({
      ...row,
      kv_cache_bytes: 18432 * row.prompt_tokens!,
      total_bytes: row.total_bytes! + 18432 * row.prompt_tokens!,
    })),
  );
  // With the cache that its 36 attention layers need, the published 163840 tokens would not have fit, if barely.
  const [limit] = objects(memoryLimit(cached, { truth: loadPaper("limit") }));
  assert.equal(limit!["agreement"], "too-short");
  assert.ok((limit!["predicted_tokens"] as number) > 160_000);
});

test("samples that ran and that ran out of memory under a budget are the truth", () => {
  const under = (memory_limit_bytes: number, ran: number, failed: number): Row[] => [
    ...rows,
    rowAt(ran, { memory_limit_bytes }),
    { ...rowAt(failed, { memory_limit_bytes, status: "oom" }), peak_activation_bytes: null },
  ];
  const agreement = (...given: Parameters<typeof under>): unknown[] => {
    const [found] = objects(memoryLimit(tableOf(under(...given))));
    return [found!["ran_tokens"], found!["failed_tokens"], found!["agreement"]];
  };
  // 18 000 tokens fit into 2.14 GB.
  assert.deepEqual(agreement(2.14e9, 16384, 20480), [16384, 20480, "agrees"]);
  assert.deepEqual(agreement(2.14e9, 8192, 16384), [8192, 16384, "too-long"]);
  assert.deepEqual(agreement(2.14e9, 20480, 24576), [20480, 24576, "too-short"]);
  // What ran in less memory runs in more, and what failed there says nothing.
  const [more] = objects(memoryLimit(tableOf(under(2.14e9, 16384, 20480)), { memoryBytes: 3e9 }));
  assert.deepEqual(
    [more!["ran_tokens"], more!["failed_tokens"], more!["agreement"]],
    [16384, null, "not-refuted"],
  );
  const [untested] = objects(memoryLimit(tableOf(rows), { like: "rtx4090" }));
  assert.deepEqual([untested!["memory_limit_bytes"], untested!["agreement"]], [24564 * 2 ** 20, "untested"]);
});

test("memory that does not grow has no limit to state, and weights beyond the budget leave room for no token", () => {
  const flat = LENGTHS.map((length) =>
    rowAt(length, { kv_cache_bytes: 0, peak_activation_bytes: 1e7, total_bytes: null }),
  );
  const [found] = objects(memoryLimit(tableOf(flat), { memoryBytes: 2 * GIB }));
  assert.deepEqual(
    [found!["state"], found!["predicted_tokens"], found!["limited_by"]],
    ["beyond-horizon", null, null],
  );
  const [none] = objects(memoryLimit(tableOf(rows), { memoryBytes: 1e9 }));
  assert.deepEqual(
    [none!["state"], none!["predicted_tokens"], none!["limited_by"]],
    ["does-not-fit", 0, "weights_bytes"],
  );
});

test("intervals of 95 % hold the next run's memory about as often as they say, beyond the lengths and at a bound too", () => {
  const draw = normal(11);
  const trials = 300;
  let [held, beyond] = [0, 0];
  for (let trial = 0; trial < trials; trial++) {
    const noisy = [...LENGTHS, 3072, 6144, 12288].map((length) =>
      rowAt(length, { peak_activation_bytes: 3e4 * length + 2e7 + 4e6 * draw(), total_bytes: null }),
    );
    const found = memoryNeeded(tableOf(noisy), { promptTokens: 8000, replicates: 200, seed: trial });
    const truth = 1e9 + 4e4 * 8000 + 12e6 + 408e6 + 2e7 + 4e6 * draw();
    // Five lengths, half as far again: no square is there, so its coefficient is often 0.
    const few = noisy.slice(1, 6);
    const far = memoryNeeded(few, { promptTokens: 24000, replicates: 200, seed: trial });
    const farther = truth + 4e4 * 16000;
    if (
      farther >= (far.get("needed_bytes_lo", 0) as number) &&
      farther <= (far.get("needed_bytes_hi", 0) as number)
    )
      beyond++;
    if (
      truth >= (found.get("needed_bytes_lo", 0) as number) &&
      truth <= (found.get("needed_bytes_hi", 0) as number)
    )
      held++;
  }
  assert.ok(held / trials > 0.92 && held / trials < 0.985, String(held / trials));
  assert.ok(beyond / trials > 0.9 && beyond / trials < 0.985, String(beyond / trials));
});

test("what has no limit to predict is refused in one sentence", () => {
  const table = tableOf(rows);
  refused(() => memoryLimit(table), /^no budget was given and no row names one/);
  refused(
    () => memoryLimit(table, { memoryBytes: -1 }),
    "memoryBytes is -1: it must be a positive number of bytes",
  );
  refused(() => memoryLimit(table, { memoryBytes: 1, like: "rtx4090" }), /the budget is given twice/);
  refused(
    () => memoryLimit(table, { like: "h200" }),
    /^like is h200: it must be rtx4090 or orin-nano, or give memoryBytes/,
  );
  refused(
    () => memoryLimit(tableOf([rows[0]!, rows[0]!]), { memoryBytes: GIB }),
    "m has memory at 1 prompt length(s): its growth needs at least two",
  );
  refused(
    () => memoryLimit(loadPaper("latency"), { memoryBytes: GIB }),
    /no row is left with peak_activation_bytes/,
  );
  refused(
    () => memoryLimit(loadPaper("memory"), { memoryBytes: GIB }),
    /^kv_cache_bytes is -241445109.76 in row/,
  );
  refused(() => memoryNeeded(table, { promptTokens: [] }), /promptTokens is empty/);
  refused(
    () => memoryNeeded(table, { promptTokens: 0 }),
    /promptTokens is 0: it must be one length or several/,
  );
});
