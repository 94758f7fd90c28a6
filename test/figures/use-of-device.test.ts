import assert from "node:assert/strict";
import { test } from "node:test";
import { efficiency } from "../../src/analyze/index.js";
import { energyPerTokenFigure, rooflineFigure, type UseOfDevice } from "../../src/figures/index.js";
import { rowsToTable } from "../../src/record/index.js";
import { USE_BY_CLASS } from "./operator-rows.js";
import { CAMPAIGN, HERE, own, PAPER } from "./sources.js";
import { rowsWith } from "./spec.js";

test("roofline: the roof is the device's, and no pass of the paper's is above it", () => {
  const { spec, caption } = own("roofline", PAPER);
  const [, ridge] = rowsWith(spec, "intensity").slice(0, 3);
  // The maker's 165.2 TFLOP/s and 1008 GB/s.
  assert.ok(Math.abs(Number(ridge!.rate) / 165.2e12 - 1) < 1e-9);
  assert.ok(Math.abs(Number(ridge!.intensity) / (165.2e12 / 1008e9) - 1) < 1e-9);
  const dots = rowsWith(spec, "phase");
  assert.ok(dots.length > 0);
  for (const { rate, intensity } of dots)
    assert.ok(Number(rate) <= Math.min(165.2e12, 1008e9 * Number(intensity)));
  for (const said of ["RTX 4090, 165 TFLOP/s, 1.01 TB/s", "the paper states none"])
    assert.ok(caption.includes(said), said);
});

test("roofline: of an unknown device there is no roof, and the interval of a rate is that of its time turned over", () => {
  const { spec, caption } = own("roofline", HERE);
  assert.match(
    caption,
    /What Made-up GPU can do at most is not known: give efficiency\(rows, \{ ceilings \}\)/,
  );
  const dot = rowsWith(spec, "phase").find(
    ({ label, phase, length }) => label === "Mamba2-1.3B" && phase === "prefill" && length === 1024,
  )!;
  const cells = efficiency(HERE.rows).objects() as UseOfDevice[];
  const cell = cells.find(
    ({ model, phase, prompt_tokens: length }) =>
      model === "mamba2-1.3b" && phase === "prefill" && length === 1024,
  )!;
  // Work over time: the longest time gives the lowest rate. The campaign's work is 2e9 FLOP a token.
  assert.ok(Math.abs(Number(dot.lo) / ((2e9 * 1024) / (cell.time_ms_hi! / 1000)) - 1) < 1e-9);
  assert.ok(Math.abs(Number(dot.hi) / ((2e9 * 1024) / (cell.time_ms_lo! / 1000)) - 1) < 1e-9);
});

test("roofline: rows without the work of their passes are refused by what they lack", () => {
  const timed: UseOfDevice[] = [{ model: "m", prompt_tokens: 8, time_ms: 3 }];
  assert.throws(() => rooflineFigure(timed), /no row has flops_per_s and flops_per_byte.*prefill_flops/);
});

test("roofline of operators: a colour for each class, under the measured roof", () => {
  const { spec, caption, title } = rooflineFigure(USE_BY_CLASS);
  const dots = rowsWith(spec, "phase");
  // Norms have no FLOPs of their own.
  assert.deepEqual(
    [...new Set(dots.map(({ label }) => label))].sort(),
    ["GEMM", "SSM scan", "attention"].sort(),
  );
  assert.match(title, /^Roofline: how far operators use a device/);
  for (const said of ["79.6 GFLOP/s, 26.8 GB/s", "classes of operators of Zamba2-1.2B"])
    assert.ok(caption.includes(said), said);
  const two = rooflineFigure([
    ...USE_BY_CLASS,
    ...USE_BY_CLASS.map((row) => ({ ...row, model: "hymba-1.5b" })),
  ]);
  assert.ok(rowsWith(two.spec, "phase").some(({ label }) => label === "attention, Hymba-1.5B"));
});

test("energy: joules over the tokens of the pass, the paper's 6.5 mJ of Mamba2 and 26 of Qwen at 57,344", () => {
  const { spec, caption } = own("energy", PAPER);
  const at = (label: string): number =>
    Number(rowsWith(spec, "doubtful").find((dot) => dot.label === label && dot.length === 57344)!.value);
  assert.equal(at("Mamba2-780m").toFixed(6), (370.53 / 57344).toFixed(6));
  assert.equal(at("Qwen2.5-0.5B").toFixed(6), (1492.62 / 57344).toFixed(6));
  for (const said of ["No point has an interval", "450 W", "20,861 tokens (16,384 to 24,576)"])
    assert.ok(caption.includes(said), said);
});

test("energy: the sensor's error is a bar of its own, in the proportion of the sample that states most", () => {
  const rows = CAMPAIGN.filter(({ status }) => status === "ok").map((row) => ({
    ...row,
    ...{ kind: "energy", phase: "prefill", energy_error_j: 0.01 * (1 + row.repeat!) * row.energy_j! },
  }));
  const { spec, caption } = own("energy", { rows: rowsToTable(rows) });
  const dots = rowsWith(spec, "doubtful");
  const bars = rowsWith(spec, "from");
  assert.equal(bars.length, 7);
  for (const { label, length, from, to } of bars) {
    const { value } = dots.find((dot) => dot.label === label && dot.length === length)!;
    assert.ok(Math.abs(Number(to) / Number(value) - 1.05) < 1e-9);
    assert.ok(Math.abs(Number(from) / Number(value) - 0.95) < 1e-9);
  }
  assert.match(caption, /Pale bars: the bound of the sensor's error/);
});

test("energy: where the prefills cross is marked in their panel alone", () => {
  const rows = ["prefill", "decode"].flatMap((phase) =>
    [512, 1024].map((prompt_tokens) => ({ model: "m", phase, prompt_tokens, j_per_token: 1 })),
  );
  const { spec, caption } = energyPerTokenFigure(rows, {
    crossovers: [{ prompt_tokens: 700, prompt_tokens_lo: 512, prompt_tokens_hi: 1024, faster: "m" }],
  });
  const panels = spec as unknown as { vconcat?: object[]; hconcat?: object[]; concat?: object[] };
  const marked = (panels.concat ?? panels.hconcat ?? panels.vconcat)!.map((panel) =>
    JSON.stringify(panel).includes("from 700 tokens"),
  );
  assert.deepEqual(marked, [true, false]);
  assert.match(caption, /where the lines of the prefills cross/);
});

test("energy: intervals, and a mark where a model ran out of memory", () => {
  const { spec, caption } = own("energy", HERE);
  for (const dot of rowsWith(spec, "doubtful"))
    assert.ok(Number(dot.lo) < Number(dot.value) && Number(dot.value) < Number(dot.hi));
  assert.deepEqual(
    rowsWith(spec, "text").flatMap(({ text, length }) => (text === "✕" ? [length] : [])),
    [57344],
  );
  assert.match(caption, /whiskers their 95% intervals.*✕: Qwen2\.5-1\.5B ran out of memory at 57,344 tokens/);
  assert.throws(() => energyPerTokenFigure([{ model: "m", prompt_tokens: 8 }]), /no row has j_per_token/);
});
