import assert from "node:assert/strict";
import { test } from "node:test";
import { figure3 } from "../../src/figures/index.js";
import { campaignPoints, fromPaper, paperPoints } from "./sources.js";
import { rowsWith } from "./spec.js";

const words = (spec: Parameters<typeof rowsWith>[0]): string =>
  rowsWith(spec, "lines")
    .flatMap(({ lines }) => lines as readonly string[])
    .join(" ");

test("Figure 3: fifteen scores at their models' times, Falcon-H1 2.793 times faster than Qwen", () => {
  const figure = fromPaper("fig3");
  const dots = rowsWith(figure.spec, "shape");
  // Layers repeat the rows: one of lines, one of dots.
  assert.equal(dots.length, 30);
  const ms = (name: string) => Number(dots.find((dot) => dot.name === name)!.ttftMs);
  assert.equal((ms("Qwen2.5-1.5B") / ms("Falcon-H1-1.5B")).toFixed(3), "2.793");
  assert.equal((ms("Qwen2.5-1.5B") / ms("Mamba2-1.3B")).toFixed(2), "6.10");
  const mean = (name: string) => {
    const scores = dots.filter((dot) => dot.name === name).map(({ accuracyPct }) => Number(accuracyPct));
    return (scores.reduce((sum, score) => sum + score, 0) / scores.length).toFixed(2);
  };
  assert.deepEqual(["Qwen2.5-1.5B", "Mamba2-1.3B", "Falcon-H1-1.5B"].map(mean), ["58.97", "44.76", "59.36"]);
  assert.deepEqual(
    rowsWith(figure.spec, "task")
      .slice(-5)
      .map(({ task }) => task),
    ["MMLU", "HellaSwag", "Winogrande", "ARC-C", "TruthfulQA"],
  );
  for (const said of ["57,344 tokens", "rounded to 10 ms", "harness, shots and split", "(W16)", "(W19)"])
    assert.ok(figure.caption.includes(said), said);
});

test("own times take the longest length that every model ran, and the paper's accuracies beside it", () => {
  const { spec, caption } = figure3({ paper: paperPoints("3"), rows: campaignPoints() });
  const [, measured] = spec.hconcat as unknown as [typeof spec, typeof spec];
  assert.equal(rowsWith(measured, "shape").length, 2 * 10);
  assert.deepEqual(
    rowsWith(measured, "label").map(({ label }) => label),
    ["Mamba2-1.3B, 404 ms", "Qwen2.5-1.5B, 596 ms"],
  );
  for (const said of [
    "prompt of 16,384 tokens",
    "The accuracies are the paper's",
    "ran out of memory at 57,344",
  ])
    assert.ok(caption.includes(said), said);
});

test("what is missing is said", () => {
  const alone = figure3({ rows: campaignPoints() });
  assert.match(words(alone.spec), /no row of kind accuracy/);
  assert.match(alone.caption, /no row of kind accuracy .* for Mamba2-1.3B and Qwen2.5-1.5B/);
  assert.match(alone.caption, /No row has ttft_ms of Falcon-H1-1.5B/);
  const none = figure3({ rows: [] });
  assert.match(words(none.spec), /No row has ttft_ms; the paper's figure has Qwen2.5-1.5B, Mamba2-1.3B/);
});
