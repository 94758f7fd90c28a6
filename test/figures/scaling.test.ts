import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/errors.js";
import { scalingFigure } from "../../src/figures/index.js";
import { deepFreeze } from "../support/freeze.js";
import { CROSSOVERS, CURVES, MEASURED_POINTS, MEASURED_WITH_GAPS } from "./points.js";
import { objectsIn, rowsWith } from "./spec.js";

const figure = scalingFigure(deepFreeze([...MEASURED_WITH_GAPS]), deepFreeze([...CURVES]), {
  crossovers: deepFreeze([...CROSSOVERS]),
});

test("every measured point is drawn with its interval, on two logarithmic axes", () => {
  const ok = MEASURED_WITH_GAPS.filter((point) => point.status === "ok");
  const dots = rowsWith(figure.spec, "doubtful");
  assert.deepEqual(new Set(dots.map((row) => row.value)), new Set(ok.map((point) => point.ttft_ms)));
  const scales = [...objectsIn(figure.spec)].filter((object) => object.type === "log");
  assert.ok(scales.length > 0);
  for (const { domain } of scales) {
    const [low, high] = domain as [number, number];
    assert.ok(low > 0 && high > low);
  }
});

test("a curve is dashed where its model was not measured, and has no gap there", () => {
  const lines = [...objectsIn(figure.spec)].filter(
    ({ mark }) => (mark as { type?: string } | undefined)?.type === "line",
  );
  const [solid, dashed] = lines.map((layer) => rowsWith(layer, "piece"));
  const lengthsOf = (rows: typeof solid, label: string): number[] =>
    rows!.filter((row) => row.label === label).map((row) => Number(row.prompt_tokens));
  // The Transformer ran out of memory at 4096: its last measured length is 2048.
  assert.equal(Math.max(...lengthsOf(solid, "Qwen2.5-0.5B")), 2048);
  assert.equal(Math.max(...lengthsOf(solid, "Mamba2-130m")), 4096);
  assert.ok(lengthsOf(dashed, "Qwen2.5-0.5B").includes(2048));
  assert.equal(Math.max(...lengthsOf(dashed, "Qwen2.5-0.5B")), 8192);
});

test("crossover and out of memory are marked and said", () => {
  assert.deepEqual(rowsWith(figure.spec, "lines")[0]!.lines, [
    "Mamba2-130m ahead from 1,240 tokens (1,100 to 1,390)",
  ]);
  assert.deepEqual(
    rowsWith(figure.spec, "text")
      .filter((row) => row.text === "✕")
      .map((row) => row.length),
    [4096],
  );
  assert.ok(figure.caption.includes("Mamba2-130m ahead from 1,240 tokens (95% interval 1,100 to 1,390)"));
  assert.ok(figure.caption.includes("Qwen2.5-0.5B ran out of memory at 4,096 tokens"));
});

test("an open end of the interval is said to be open and drawn to the edge", () => {
  const { spec, caption } = scalingFigure(MEASURED_POINTS, CURVES, {
    crossovers: [{ prompt_tokens: 6000, prompt_tokens_lo: 5000, prompt_tokens_hi: null }],
  });
  assert.ok(
    caption.includes("Crossover at 6,000 tokens (95% interval 5,000 to beyond the measured lengths)"),
  );
  const band = rowsWith(spec, "hi").find((row) => row.lo === 5000)!;
  assert.ok(Number(band.hi) > 8192);
});

test("any metric of a point can stand on the y axis", () => {
  const { name, title, spec } = scalingFigure(MEASURED_POINTS, [], { metric: "tpot_ms", source: "measured" });
  assert.equal(name, "scaling-tpot-ms-measured");
  assert.match(title, /^TPOT against prompt length on AMD EPYC/);
  assert.ok([...objectsIn(spec)].some((object) => object.title === "TPOT (ms)"));
});

test("nothing to draw, or what a logarithmic axis cannot show, is refused", () => {
  assert.throws(() => scalingFigure([], []), UserError);
  assert.throws(() => scalingFigure(MEASURED_POINTS, [], { metric: "energy_j" }), /no row has energy_j/);
  assert.throws(
    () => scalingFigure([{ model: "m", prompt_tokens: 8, ttft_ms: 0 }]),
    /ttft_ms of m at 8 tokens is 0: a logarithmic axis shows only lengths and values above 0/,
  );
  assert.throws(() => scalingFigure([], [{ model: "m", prompt_tokens: 8, value: -1 }]), /is -1/);
});

test("two series of one model are refused unless they have names of their own", () => {
  const twice = [...MEASURED_POINTS, { ...MEASURED_POINTS[1]!, lowering: "fused" }];
  assert.throws(
    () => scalingFigure(twice),
    /two points for mamba2-130m at 128 tokens \(.*ssd-matmul.*; .*fused.*\): filter them to one setting, or give/,
  );
});

test("a table of points is as good as a list", () => {
  const table = { objects: () => [...MEASURED_POINTS] };
  assert.deepEqual(scalingFigure(table, CURVES), scalingFigure(MEASURED_POINTS, CURVES));
});

test("only a curve that leaves the measured lengths is said to be dashed", () => {
  const within = CURVES.filter(({ prompt_tokens: n }) => n >= 128 && n <= 4096);
  assert.match(scalingFigure(MEASURED_POINTS, within).caption, /Lines are fits; bands/);
  assert.match(scalingFigure(MEASURED_POINTS, CURVES).caption, /Lines are fits, dashed beyond/);
});
