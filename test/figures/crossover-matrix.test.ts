import assert from "node:assert/strict";
import { test } from "node:test";
import { crossoverMatrixFigure, type ComparedPair } from "../../src/figures/index.js";
import { own, PAPER } from "./sources.js";
import { rowsWith } from "./spec.js";

const cells = (spec: Parameters<typeof rowsWith>[0]) =>
  new Map(
    rowsWith(spec, "lines").map(({ row, column, lines }) => [
      `${row as string} | ${(column as string).replaceAll("\n", "-")}`,
      (lines as readonly string[]).join(" "),
    ]),
  );

test("a crossing is read from either side, with its interval", () => {
  const found = cells(own("crossover-matrix", PAPER).spec);
  assert.equal(found.size, 6);
  assert.equal(found.get("Mamba2-780m | Qwen2.5-0.5B"), "lower from 24,950 (16,367–109,729)");
  assert.equal(found.get("Qwen2.5-0.5B | Mamba2-780m"), "lower up to 24,950 (16,367–109,729)");
  assert.equal(found.get("Falcon-H1-0.5B | Mamba2-780m"), "lower up to 29,545 (22,790–49,172) last of 2");
  assert.equal(found.get("Qwen2.5-0.5B | Falcon-H1-0.5B"), "not told apart");
});

const pair = (more: Partial<ComparedPair>): ComparedPair => ({ a: "first", b: "second", ...more });

test("no crossing, an open end, an extrapolation and what cannot be compared", () => {
  const throughout = { state: "none-in-range", lower_below: "first", lower_above: "first" };
  assert.deepEqual(
    [...cells(crossoverMatrixFigure([pair(throughout)]).spec)],
    [
      ["first | second", "lower"],
      ["second | first", "higher"],
    ],
  );
  const open = {
    state: "extrapolated",
    tokens: 9000,
    tokens_lo: 5000,
    tokens_hi: null,
    lower_below: "second",
    lower_above: "first",
  };
  const extrapolated = crossoverMatrixFigure([pair(open)]);
  assert.equal(cells(extrapolated.spec).get("first | second"), "lower from 9,000 (5,000–?) extrapolated");
  assert.match(extrapolated.caption, /\? is an open end.*the fitted curves meet where nothing was measured/);
  const problem = crossoverMatrixFigure([pair({ problem: "second has 1 length: a fit needs 3." })]);
  assert.equal(cells(problem.spec).get("second | first"), "–");
  assert.match(problem.caption, /first and second cannot be compared: second has 1 length: a fit needs 3\.$/);
});

test("the caption says of several crossings what the last one means, and where the samples disagree", () => {
  const { caption } = own("crossover-matrix", PAPER);
  assert.match(caption, /lower up to it is lower since the one before/);
  // By the published samples Falcon-H1 is ahead from 1,727 tokens to the last length.
  assert.match(caption, /the samples themselves say otherwise of .*Falcon-H1-0\.5B and Mamba2-780m/);
});

test("the caption says device and setting; no pair is refused", () => {
  assert.match(own("crossover-matrix", PAPER).caption, /RTX 4090.*bf16.*95% confidence/);
  assert.throws(() => crossoverMatrixFigure([]), /no pair of models is given/);
});
