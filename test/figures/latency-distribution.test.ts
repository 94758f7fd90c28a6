import assert from "node:assert/strict";
import { test } from "node:test";
import { latencyDistributionFigure, type LatencySample } from "../../src/figures/index.js";
import { CAMPAIGN, own, PAPER } from "./sources.js";
import { rowsWith } from "./spec.js";

const samples = CAMPAIGN as LatencySample[];

test("each sample is a step, and the last reaches 100 %", () => {
  const { spec, title, caption } = latencyDistributionFigure(samples);
  assert.match(title, /at 16,384 prompt tokens/, "the longest that both models ran");
  const [ttft] = spec.hconcat as unknown as (typeof spec)[];
  const steps = rowsWith(ttft!, "share").filter(({ label }) => label === "Mamba2-1.3B");
  // A line from 0 with a step a sample, and a dot a sample.
  assert.deepEqual(
    steps.slice(0, 6).map(({ share }) => share),
    [0, 20, 40, 60, 80, 100],
  );
  // 60 + 0.021 * 16384 ms, the third of five.
  assert.match(caption, /TTFT of Mamba2-1\.3B: half up to 404 ms, the longest of 5 420 ms/);
  assert.match(caption, /ITL of Mamba2-1\.3B: half up to 4\.93 ms, 95% up to .* the longest of 315 8\.06 ms/);
});

test("a length can be chosen; means of several passes and rejected samples are no samples", () => {
  assert.match(latencyDistributionFigure(samples, { length: 57344 }).caption, /TTFT of Mamba2-1\.3B/);
  const none = [
    samples.map((row) => ({ ...row, aggregated_samples: 10 })),
    samples.map((row) => ({ ...row, verdict: "rejected" })),
  ];
  for (const rows of none)
    assert.throws(() => latencyDistributionFigure(rows), /no model has two samples at one length/);
});

test("the paper's single values have no distribution, and the figure says what would", () => {
  const { spec, caption } = own("latency-distribution", PAPER);
  assert.match(caption, /There is nothing to draw: .*several rows with ttft_ms, or one with itl_ms/);
  assert.equal(rowsWith(spec, "share").length, 0);
});
