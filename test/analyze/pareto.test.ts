import assert from "node:assert/strict";
import { test } from "node:test";
import type { ColumnTable } from "arquero";
import { paretoFront, type ParetoOptions } from "../../src/analyze/index.js";
import { loadPaper, type Row } from "../../src/record/index.js";
import { simulate, tableOf } from "./samples.js";

const at = (model: string, ttfts: readonly number[], total_bytes: number, more: Row = {}): Row[] =>
  ttfts.map((ttft_ms) => ({ kind: "latency", model, prompt_tokens: 512, ttft_ms, total_bytes, ...more }));
const columns = (table: ColumnTable, ...names: string[]): unknown[] => names.map((name) => table.array(name));
const TWO: ParetoOptions = { objectives: ["ttft_ms", "total_bytes"], promptTokens: 512 };

test("a choice is on the front unless another is as good in all and better in one", () => {
  const rows = [
    ...at("fast", [1], 30),
    ...at("small", [3], 10),
    ...at("worse", [3], 20),
    ...at("same", [1], 30),
  ];
  const table = paretoFront(tableOf(rows), TWO);
  assert.deepEqual(columns(table, "model", "on_front", "dominated_by"), [
    ["fast", "small", "worse", "same"],
    [true, true, false, true],
    [null, null, "small", null],
  ]);
  // One sample each does not say how sure that is.
  assert.deepEqual(columns(table, "front_probability", "ttft_ms_lo")[0], [null, null, null, null]);
});

test("the probability is that of every possible resample", () => {
  // Medians of a resample: 1, 2.5 and 4 of a, 2, 2.5 and 3 of b, with odds of 22, 20 and 22. A is out if it is larger: with
  // 4, and with 2.5 against 2. B is out if it is larger: against 1, and with 3 against 2.5.
  const [a6, b6] = [
    [1, 1, 1, 4, 4, 4],
    [2, 2, 2, 3, 3, 3],
  ] as const;
  const table = paretoFront(tableOf([...at("a", a6, 10), ...at("b", b6, 10)]), {
    ...TWO,
    replicates: 40000,
  });
  const [a, b] = table.array("front_probability") as [number, number];
  assert.ok(Math.abs(a - (1 - 22 / 64 - (20 * 22) / 64 ** 2)) < 0.01, String(a));
  assert.ok(Math.abs(b - (1 - 22 / 64 - (20 * 22) / 64 ** 2)) < 0.01, String(b));
});

test("the paper's accuracy and TTFT: Qwen2.5-1.5B is off the front, though not by every choice of tasks", () => {
  const figure3 = loadPaper("latency").filter((row: Row) => row.figure === "3");
  const table = paretoFront(figure3, { objectives: ["accuracy_pct", "ttft_ms"], promptTokens: 57344 });
  assert.deepEqual(columns(table, "model", "on_front"), [
    ["qwen2.5-1.5b", "mamba2-1.3b", "falcon-h1-1.5b"],
    [false, true, true],
  ]);
  const means = table.array("accuracy_pct") as number[];
  assert.deepEqual(
    means.map((mean) => mean.toFixed(3)),
    ["58.974", "44.760", "59.358"],
  );
  const [qwen, mamba2, falcon] = table.array("front_probability") as number[];
  assert.ok(qwen! > 0.1 && qwen! < 0.5);
  assert.deepEqual([mamba2, falcon], [1, 1]);
  // One published time each: the probability is over the tasks alone, and says so.
  assert.deepEqual(table.array("taken_as_exact"), ["ttft_ms", "ttft_ms", "ttft_ms"]);
});

test("a user's scores join by model; a model without one is left out, and says so", () => {
  const rows = tableOf([...at("a", [1], 1), ...at("b", [2], 1), ...at("c", [3], 1)]);
  const accuracy = tableOf([
    { model: "a", accuracy_pct: 50 },
    { model: "b", accuracy_pct: 60 },
  ]);
  const table = paretoFront(rows, { objectives: ["ttft_ms", "accuracy_pct"], promptTokens: 512, accuracy });
  assert.deepEqual(columns(table, "accuracy_pct", "on_front", "missing"), [
    [50, 60, null],
    [true, true, null],
    [null, null, "accuracy_pct"],
  ]);
});

test("settings of one model are choices of their own; fits answer for lengths between", () => {
  const rows = [...at("m", [1], 30, { dtype: "fp16" }), ...at("m", [2], 30, { dtype: "fp32" })];
  const table = paretoFront(tableOf(rows), TWO);
  assert.deepEqual(table.array("dominated_by"), [null, "m (fp16)"]);
  const curves = [...simulate("a", [10, 0.1, 0]), ...simulate("b", [1, 0.2, 0])].map((row) => ({
    ...row,
    total_bytes: (row.model === "a" ? 2 : 1) * row.prompt_tokens!,
  }));
  const between = paretoFront(tableOf(curves), { ...TWO, promptTokens: 3000, values: "fits" });
  assert.deepEqual((between.array("ttft_ms") as number[]).map(Math.round), [310, 601]);
  assert.deepEqual(between.array("on_front"), [true, true]);
});

test("what has no front is refused in one sentence", () => {
  const refused = (rows: Row[], options: Partial<ParetoOptions>, message: string | RegExp): void => {
    assert.throws(() => paretoFront(tableOf(rows), { ...TWO, ...options }), { name: "UserError", message });
  };
  const rows = [...at("a", [1], 1), ...at("b", [1], 1)];
  refused(
    rows,
    { objectives: ["ttft_ms"] },
    "objectives are ttft_ms: a front needs two different ones or more",
  );
  refused(
    rows,
    { promptTokens: 600 },
    'no ttft_ms was measured at 600 tokens, but at 512: name one of these, or take values: "fits"',
  );
  refused(
    at("a", [1], 1),
    {},
    "1 choice(s) have all of ttft_ms, total_bytes at 512 tokens, and a front needs at least two",
  );
  refused(
    [...rows, ...at("c", [1], 1)].map((row) => (row.model === "c" ? row : { ...row, total_bytes: null })),
    {},
    "1 choice(s) have all of ttft_ms, total_bytes at 512 tokens, and a front needs at least two; a lacks total_bytes; b lacks total_bytes",
  );
  refused(
    rows,
    { objectives: ["accuracy" as "accuracy_pct", "ttft_ms"] },
    /^an objective is accuracy: it must be one of accuracy_pct, ttft_ms/,
  );
  refused(rows, { values: "fit" as "fits" }, "values is fit: it must be samples or fits");
  refused(rows, { promptTokens: -5 }, "promptTokens is -5: it must be a length of 1 token or more");
  refused(
    [...at("a", [1], 1, { device: "x" }), ...at("b", [1], 1, { device: "y" })],
    {},
    "the rows are of 2 devices (x, y): filter the table to one",
  );
  const scored = (...accuracy: Row[]): Partial<ParetoOptions> => ({
    objectives: ["ttft_ms", "accuracy_pct"],
    accuracy: tableOf(accuracy),
  });
  refused(rows, scored({ model: "a" }), /the accuracy table has no column accuracy_pct/);
  refused(
    rows,
    scored({ model: "a", accuracy_pct: 1 }, { model: "a", accuracy_pct: 2 }),
    '"a" has two scores of task null: the table needs one each',
  );
  refused(
    rows,
    scored({ model: "a", task: "x", accuracy_pct: 1 }, { model: "b", task: "y", accuracy_pct: 2 }),
    /the compared models have no task in common/,
  );
});
