import assert from "node:assert/strict";
import { test } from "node:test";
import { figurePoints, interpolatedMarks, rowsOfFigure } from "../../src/analyze/index.js";
import { UserError } from "../../src/errors.js";
import { loadPaper, rowsToTable, type Row } from "../../src/record/index.js";

test("the rows of a figure, facts kept beside the cells", () => {
  const points = figurePoints(rowsOfFigure(loadPaper(), "5b")).objects() as Row[];
  // 46 rows of memory and 6 limits (figures.md, W12).
  assert.equal(points.filter(({ kind }) => kind === "memory").length, 46);
  assert.equal(points.filter(({ kind }) => kind === "limit").length, 6);
  const negative = points.find(
    ({ model, prompt_tokens }) => model === "falcon-h1-0.5b" && prompt_tokens === 256,
  )!;
  assert.equal(negative.kv_cache_bytes, null);
  assert.ok(negative.total_bytes! > 1e9);
  assert.throws(() => rowsOfFigure(loadPaper(), "4"), UserError);
});

const row = (more: Row): Row => ({
  kind: "latency",
  model: "qwen2.5-0.5b",
  family: "transformer",
  status: "ok",
  ...more,
});

test("series of one model are named by the settings in which they differ", () => {
  const points = figurePoints(
    rowsToTable([
      row({ prompt_tokens: 8, dtype: "fp32", ttft_ms: 3 }),
      row({ prompt_tokens: 8, dtype: "int8", ttft_ms: 2 }),
      row({ prompt_tokens: 8, dtype: "fp32", ttft_ms: 5, model: "mamba-130m" }),
    ]),
  ).objects() as Row[];
  assert.deepEqual(
    points.map(({ model }) => model),
    ["qwen2.5-0.5b (fp32)", "qwen2.5-0.5b (int8)", "mamba-130m"],
  );
});

test("a setting that is a list counts as one value", () => {
  const named = (...options: string[][]): (string | undefined)[] =>
    (
      figurePoints(
        rowsToTable(options.map((ep_options, i) => row({ prompt_tokens: 8 + i, ttft_ms: 3, ep_options }))),
      ).objects() as Row[]
    ).map(({ model }) => model ?? undefined);
  assert.deepEqual(named(["a=1", "b=0"], ["a=1", "b=0"]), ["qwen2.5-0.5b", "qwen2.5-0.5b"]);
  assert.deepEqual(named(["a=1", "b=0"], ["a=1", "b=1"]), [
    "qwen2.5-0.5b (a=1,b=0)",
    "qwen2.5-0.5b (a=1,b=1)",
  ]);
});

test("a campaign in which all ran out of memory keeps its findings", () => {
  const points = figurePoints(rowsToTable([row({ prompt_tokens: 8, status: "oom" })])).objects() as Row[];
  assert.deepEqual(
    points.map(({ status }) => status),
    ["oom"],
  );
});

test("where the published lines cross: brackets of the audit, the last crossing of a pair", () => {
  const marks = interpolatedMarks(rowsOfFigure(loadPaper(), "6a"), "energy_j");
  assert.deepEqual(
    marks.map(({ faster, prompt_tokens_lo, prompt_tokens_hi }) => [
      faster,
      prompt_tokens_lo,
      prompt_tokens_hi,
    ]),
    [
      ["mamba2-780m", 16384, 24576],
      ["falcon-h1-0.5b", 24576, 32768],
    ],
  );
  assert.deepEqual(interpolatedMarks(rowsOfFigure(loadPaper(), "6b"), "energy_j"), []);
});
