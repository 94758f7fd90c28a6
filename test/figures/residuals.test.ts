import assert from "node:assert/strict";
import { test } from "node:test";
import { fitScaling, residualTable } from "../../src/analyze/index.js";
import { residualFigure } from "../../src/figures/index.js";
import { loadPaper } from "../../src/record/index.js";
import { RESIDUALS } from "./points.js";
import { rowsWith } from "./spec.js";

test("every residual is drawn in per cent, the influential ringed and named", () => {
  const { spec, caption } = residualFigure(RESIDUALS);
  const drawn = rowsWith(spec, "percent");
  assert.equal(drawn.length, 11, "one has no residual");
  assert.equal(drawn.find(({ influential }) => influential)!.percent, 39);
  assert.match(caption, /Rings: samples that move their curve much \(Qwen2\.5-0\.5B at 32,768 tokens\)/);
});

test("rows of residualTable are drawn as they come, the paper's cliff among the ringed", () => {
  const rows = loadPaper("latency").filter((row: { figure: string }) => row.figure === "6b");
  const { caption } = residualFigure(residualTable(fitScaling(rows, { metric: "ttft_ms" })));
  assert.match(caption, /Qwen2\.5-0\.5B at 32,768 tokens/);
});

test("rows without a residual are refused", () => {
  assert.throws(() => residualFigure([{ model: "m", prompt_tokens: 8, relative_residual: null }]), {
    name: "UserError",
    message: /none of 1 rows has a relative_residual/,
  });
});
