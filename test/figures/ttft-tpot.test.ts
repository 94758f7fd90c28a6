import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/errors.js";
import { figure1, type Point } from "../../src/figures/index.js";
import { deepFreeze } from "../support/freeze.js";
import { MEASURED_POINTS, MEASURED_WITH_GAPS, PAPER_POINTS } from "./points.js";
import { findings, panelTitles, rowsWith } from "./spec.js";

const paper = figure1(deepFreeze([...PAPER_POINTS]), { source: "paper" });

test("the paper's four panels in the paper's order, two bars each", () => {
  assert.deepEqual(panelTitles(paper.spec), [
    "TTFT, 1,024 tokens",
    "TTFT, 32,768 tokens",
    "TPOT, 1,024 tokens",
    "TPOT, 32,768 tokens",
  ]);
  // Seconds in plotting_intro_ttft_tpot.ipynb, cell 2.
  const seconds = [
    [0.013823878000039258, 0.0260057350005809],
    [1.3003163600005792, 0.49099710100017546],
    [0.012523412535152545, 0.013800665003898871],
    [0.04180457996875475, 0.013697560640622441],
  ];
  const drawn = rowsWith(paper.spec, "value").map((row) => Number(row.value) / 1000);
  assert.equal(drawn.length, 8);
  seconds.flat().forEach((value, i) => {
    assert.ok(Math.abs(drawn[i]! - value) < 1e-12, `bar ${i}: ${drawn[i]!} is not ${value}`);
  });
  assert.deepEqual(
    rowsWith(paper.spec, "top").map((row) => row.text),
    ["13.8", "26.0", "1,300", "491", "12.5", "13.8", "41.8", "13.7"],
  );
});

test("the ratios are those derived from the published numbers", () => {
  // reference/figures.md, Fig 1: 1.881, 2.648, 1.102, 3.052
  assert.deepEqual(findings(paper.spec), [
    "Qwen2.5-0.5B 1.88× faster",
    "Mamba2-780m 2.65× faster",
    "Qwen2.5-0.5B 1.10× faster",
    "Mamba2-780m 3.05× faster",
  ]);
});

test("the paper's caption states unit, setting, sample and what an audit found", () => {
  for (const said of [
    "in ms",
    "RTX 4090",
    "bf16 (Qwen2.5-0.5B) and fp16 (Mamba2-780m)",
    "batch 1",
    "256 new tokens",
    "monolithic prefill",
    "logits of every position",
    "one sample a bar",
    "leap more than threefold",
    "757 ms, not 491 ms",
  ])
    assert.ok(paper.caption.includes(said), said);
  assert.equal(rowsWith(paper.spec, "lo").length, 0);
});

test("own rows: shortest and longest common length, intervals, what differs", () => {
  const { spec, caption, name } = figure1(MEASURED_POINTS, { source: "measured" });
  assert.equal(name, "fig1-measured");
  assert.deepEqual(panelTitles(spec), [
    "TTFT, 128 tokens",
    "TTFT, 4,096 tokens",
    "TPOT, 128 tokens",
    "TPOT, 4,096 tokens",
  ]);
  assert.equal(rowsWith(spec, "lo").length, 8);
  for (const said of [
    "CPUExecutionProvider",
    "segments of 512 tokens",
    "SSM lowering ssd-matmul (Mamba2-130m)",
    "2 threads",
    "7 samples a point",
    "95% intervals",
    "another device (there RTX 4090)",
    "other models (there Qwen2.5-0.5B and Mamba2-780m)",
    "other prompt lengths (there 1,024 and 32,768)",
    "logits of the last position only",
  ])
    assert.ok(caption.includes(said), said);
});

test("out of memory is a mark, never a bar of height 0", () => {
  const { spec, caption } = figure1(MEASURED_WITH_GAPS, { source: "measured", lengths: [128, 4096] });
  assert.equal(rowsWith(spec, "value").length, 6);
  assert.deepEqual(
    rowsWith(spec, "mark").map((row) => row.mark),
    [
      ["✕", "out of", "memory"],
      ["✕", "out of", "memory"],
    ],
  );
  assert.ok(caption.includes("Qwen2.5-0.5B ran out of memory at 4,096 tokens"));
  assert.ok(caption.includes("marked as doubtful"));
});

test("by default the long panel is the longest length at which both ran", () => {
  const { spec } = figure1(MEASURED_WITH_GAPS, { source: "measured" });
  assert.equal(panelTitles(spec)[1], "TTFT, 2,048 tokens");
});

test("missing rows are said in the figure", () => {
  const one = figure1(PAPER_POINTS, { source: "paper", models: ["qwen2.5-0.5b", "mamba-790m"] });
  assert.deepEqual(findings(one.spec), Array(4).fill("no rows for Mamba-790m"));
  const none = figure1([], { source: "measured" });
  assert.deepEqual(findings(none.spec), Array(4).fill("no rows for Qwen2.5-0.5B and Mamba2-780m"));
  assert.ok(none.caption.includes("There are no rows to draw"));
  const noTpot = PAPER_POINTS.map((row) => ({ ...row, tpot_ms: null }));
  assert.deepEqual(findings(figure1(noTpot, { source: "paper" }).spec).slice(2), [
    "no TPOT for Qwen2.5-0.5B and Mamba2-780m",
    "no TPOT for Qwen2.5-0.5B and Mamba2-780m",
  ]);
});

test("a failed row shows its status, not the value it may carry", () => {
  const failed = PAPER_POINTS.map((row, i) => (i === 0 ? { ...row, status: "failed" } : row));
  assert.equal(findings(figure1(failed, { source: "paper" }).spec)[0], "failed: Qwen2.5-0.5B");
});

test("no winner is named where the intervals overlap", () => {
  const wide = PAPER_POINTS.map((row) => ({
    ...row,
    tpot_ms_lo: row.tpot_ms! * 0.8,
    tpot_ms_hi: row.tpot_ms! * 1.2,
  }));
  const { spec } = figure1(wide, { source: "measured" });
  assert.deepEqual(findings(spec), [
    "Qwen2.5-0.5B 1.88× faster",
    "Mamba2-780m 2.65× faster",
    "ratio 1.10×, intervals overlap",
    "Mamba2-780m 3.05× faster",
  ]);
});

test("without the paper's pair, the first Transformer stands beside the first other model", () => {
  const rows = ["mamba-130m", "llama-3.2-1b-instruct", "mamba2-130m"].map((model): Point => ({
    model,
    family: model.startsWith("llama") ? "transformer" : "ssm",
    prompt_tokens: 512,
    ttft_ms: 10,
    tpot_ms: 1,
  }));
  const { spec } = figure1(rows, { source: "measured" });
  assert.deepEqual(panelTitles(spec), ["TTFT, 512 tokens", "TPOT, 512 tokens"]);
  assert.deepEqual(
    rowsWith(spec, "value").map((row) => row.label),
    ["Llama-3.2\n1B", "Mamba-130m", "Llama-3.2\n1B", "Mamba-130m"],
  );
});

test("two settings of one model are refused, not drawn over each other", () => {
  const rows = [...PAPER_POINTS, { ...PAPER_POINTS[2]!, dtype: "fp32" }];
  assert.throws(
    () => figure1(rows, { source: "paper" }),
    (error) =>
      error instanceof UserError &&
      /two points for mamba2-780m at 1024 tokens \(.*fp16.*; .*fp32.*\): filter them to one setting, or/.test(
        error.message,
      ),
  );
});
