import assert from "node:assert/strict";
import { test } from "node:test";
import { table as fromColumns } from "arquero";
import { summarize } from "../../src/analyze/index.js";
import { loadPaper, type ColumnName, type Row } from "../../src/record/index.js";
import { medianInterval, sortSamples } from "../../src/stats/index.js";
import { tableOf } from "./samples.js";

const sample = (model: string, prompt_tokens: number, ttft_ms: number | null, more: Row = {}): Row => ({
  kind: "latency",
  model,
  prompt_tokens,
  ttft_ms,
  ...more,
});

const TIMES = [12, 10, 15, 11, 13, 30, 12];
const cell = TIMES.map((ttft_ms) => sample("m", 1024, ttft_ms));

test("a row a cell, with median, bootstrap interval and number of samples", () => {
  const table = summarize(tableOf([...cell, sample("m", 2048, 40), sample("n", 1024, 50)]));
  const [lo, hi] = medianInterval(sortSamples(TIMES))!;
  assert.deepEqual(table.objects(), [
    {
      kind: "latency",
      model: "m",
      prompt_tokens: 1024,
      status: "ok",
      ttft_ms: 12,
      ttft_ms_lo: lo,
      ttft_ms_hi: hi,
      ttft_ms_n: 7,
    },
    {
      kind: "latency",
      model: "m",
      prompt_tokens: 2048,
      status: "ok",
      ttft_ms: 40,
      ttft_ms_lo: null,
      ttft_ms_hi: null,
      ttft_ms_n: 1,
    },
    {
      kind: "latency",
      model: "n",
      prompt_tokens: 1024,
      status: "ok",
      ttft_ms: 50,
      ttft_ms_lo: null,
      ttft_ms_hi: null,
      ttft_ms_n: 1,
    },
  ]);
  assert.ok(lo >= 10 && lo < 12 && hi > 12 && hi <= 30);
});

test("a cell that ran out of memory keeps its row; a failed sample of another does not count", () => {
  const table = summarize(
    tableOf([
      ...cell,
      sample("m", 1024, 1e6, { status: "failed" }),
      sample("m", 131072, null, { status: "oom" }),
    ]),
  );
  assert.deepEqual(table.array("status"), ["ok", "oom"]);
  assert.deepEqual(table.array("ttft_ms"), [12, null]);
  assert.deepEqual(table.array("ttft_ms_n"), [7, 0]);
});

test("rejected samples are counted apart; a cell of nothing else says so", () => {
  const table = summarize([
    ...cell.map((row) => ({ ...row, verdict: "ok" })),
    sample("m", 1024, 1e6, { verdict: "rejected" }),
    sample("n", 1024, 1e6, { verdict: "rejected" }),
  ]);
  assert.deepEqual(table.array("ttft_ms"), [12, null]);
  assert.deepEqual(table.array("ttft_ms_n"), [7, 0]);
  assert.deepEqual(table.array("verdict"), ["ok", "rejected"]);
  assert.deepEqual(table.array("rejected_n"), [1, 1]);
});

test("published bytes below 0 are left out, and named; the other metrics of the row stay", () => {
  const paper = loadPaper("memory");
  const table = summarize(paper);
  const problems = (table.objects() as Record<string, unknown>[]).filter(({ problem }) => problem !== null);
  assert.match(problems[0]!["problem"] as string, /^left out: kv_cache_bytes is -241445109.76 in row 137/);
  assert.equal(problems[0]!["kv_cache_bytes"], null);
  assert.ok((problems[0]!["total_bytes"] as number) > 0);
});

test("each metric counts its own samples, and absent columns are left out", () => {
  const rows = cell.map((row, i) => ({ ...row, tpot_ms: i < 2 ? null : 3, energy_j: null }));
  const table = summarize(tableOf(rows));
  assert.deepEqual([table.get("ttft_ms_n", 0), table.get("tpot_ms_n", 0)], [7, 5]);
  assert.ok(!table.columnNames().includes("energy_j"));
});

test("settings split cells; asked columns replace the default", () => {
  const rows = [...cell, ...cell.map((row) => ({ ...row, dtype: "fp16" }))];
  assert.deepEqual(summarize(tableOf(rows)).array("dtype"), [null, "fp16"]);
  const merged = summarize(tableOf(rows), { by: ["model"], metrics: ["ttft_ms"] });
  assert.deepEqual(merged.columnNames(), [
    "model",
    "status",
    "ttft_ms",
    "ttft_ms_lo",
    "ttft_ms_hi",
    "ttft_ms_n",
  ]);
  assert.equal(merged.get("ttft_ms_n", 0), 14);
});

test("cells keep the order of their first row, lists are equal by their values, and filters count", () => {
  const rows = [
    sample("b", 2, 1, { panel: ["x", "y"] }),
    sample("a", 1, 2, { panel: ["x"] }),
    sample("b", 2, 3, { panel: ["x", "y"] }),
    sample("a", 1, 1000, { status: "ok", panel: ["x"] }),
  ];
  const table = tableOf(rows).filter((row: { ttft_ms: number }) => row.ttft_ms < 1000);
  const summary = summarize(table, { by: ["model", "panel"] });
  assert.deepEqual(summary.array("model"), ["b", "a"]);
  assert.deepEqual(summary.array("ttft_ms"), [2, 2]);
  assert.deepEqual(summary.array("ttft_ms_n"), [2, 1]);
});

test("a hundred thousand rows take a fraction of a second", () => {
  const rows = 100_000;
  const table = fromColumns({
    model: Array.from({ length: rows }, (_, i) => `m${i % 50}`),
    prompt_tokens: Array.from({ length: rows }, (_, i) => 1 + (i % 20)),
    ttft_ms: Array.from({ length: rows }, (_, i) => (i * 7919) % 1009),
  });
  const start = performance.now();
  assert.equal(summarize(table).numRows(), 100);
  // It takes 0.05 s; a column read once a cell, or an interval drawn, takes seconds.
  assert.ok(performance.now() - start < 1000);
});

test("what cannot be summarized is refused in one sentence", () => {
  const refused = (
    rows: readonly Row[],
    options: Parameters<typeof summarize>[1],
    message: string | RegExp,
  ): void => {
    assert.throws(() => summarize(tableOf(rows), options), { name: "UserError", message });
  };
  refused(
    cell,
    { by: ["device"] },
    "the table has no column device: its columns are kind, model, prompt_tokens, ttft_ms",
  );
  refused(cell, { metrics: ["nonsense" as ColumnName] }, /the table has no column nonsense/);
  refused(cell, { metrics: ["model"] }, "metric is model: it must be a column of numbers");
  refused([sample("m", 1, null)], {}, /the table has no metric: it needs one of ttft_ms, tpot_ms/);
  refused([sample("m", 1, -1)], {}, "ttft_ms is -1 in row 0: it must be a finite number of 0 or more");
  refused([sample("m", 1, NaN)], {}, "ttft_ms is NaN in row 0: it must be a finite number of 0 or more");
  refused(cell, { confidence: 95 }, "confidence is 95: it must be between 0 and 1, such as 0.95");
  refused(
    [...cell, { ...cell[0]!, kind: "operators" }],
    { by: ["model"] },
    "the rows are of 2 kinds (latency, operators): filter the table to one",
  );
});
