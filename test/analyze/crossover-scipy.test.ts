import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  crossover,
  differencesByLength,
  fitScaling,
  interpolatedCrossover,
  sampleSeries,
  type Crossover,
  type Curve,
  type ScalingFit,
} from "../../src/analyze/index.js";
import { meetingsIn, searchGrid } from "../../src/analyze/pair.js";
import type { Row } from "../../src/record/schema.js";
import { studentQuantile } from "../../src/stats/index.js";
import { assertClose } from "../stats/scipy.js";
import { paperRows, tableOf } from "./samples.js";

/** The cases in test/fixtures/crossover/<name>.json; make.py there wrote them with NumPy and SciPy. */
const cases = <Case>(name: string): Case[] =>
  JSON.parse(readFileSync(new URL(`../fixtures/crossover/${name}.json`, import.meta.url), "utf8")) as Case[];

const tokensOf = (result: Crossover): number =>
  result.state === "crossing" || result.state === "extrapolated" ? result.tokens : NaN;

test("the paper's fits meet where SciPy's brentq finds the root of their difference", () => {
  for (const { longest, tokens } of cases<{ longest: number; tokens: number }>("fitted")) {
    const [a, b] = fitScaling(tableOf(paperRows(longest)), { metric: "ttft_ms" });
    assertClose([tokensOf(crossover(a!, b!))], [tokens], 1e-8);
  }
});

test("curves of other forms meet where brentq says, and at the step that jumps over the other", () => {
  const line: Curve = { at: (x) => 10 + 0.023 * x, breaks: [] };
  const forms: Record<string, Curve> = {
    power: { at: (x) => 3 + 2e-4 * x ** 1.5, breaks: [] },
    kink: { at: (x) => 5 + 0.01 * x + 0.04 * Math.max(0, x - 8192), breaks: [8192] },
    step: { at: (x) => 5 + 0.01 * x + (x >= 4096 ? 100 : 0), breaks: [4096] },
  };
  for (const { form, tokens } of cases<{ form: string; tokens: number }>("forms")) {
    const meetings = meetingsIn({ a: forms[form]!, b: line }, searchGrid([1000, 50000]));
    const smooth = meetings.filter(({ jump }) => !jump);
    assertClose(
      smooth.map((meeting) => meeting.tokens),
      [tokens],
      1e-9,
    );
    const jumps = meetings.filter(({ jump }) => jump);
    assertClose(
      jumps.map((meeting) => meeting.tokens),
      form === "step" ? [4096] : [],
      1e-9,
    );
    if (form === "step")
      assert.deepEqual(
        meetings.map(({ lowerBelow }) => lowerBelow),
        ["a", "b"],
      );
  }
});

test("the interval of two lines is Fieller's, from the exact covariance", () => {
  interface Fieller {
    lengths: number[];
    a: number[];
    b: number[];
    tokens: number;
    interval: [number, number];
  }
  for (const golden of cases<Fieller>("fieller")) {
    const rows = (["a", "b"] as const).flatMap((model) =>
      golden.lengths.map((prompt_tokens, i): Row => ({ model, prompt_tokens, tpot_ms: golden[model][i]! })),
    );
    const [a, b] = fitScaling(tableOf(rows), { metric: "tpot_ms" });
    const found = crossover(a!, b!, { replicates: 10_000 });
    assert.ok(found.state === "crossing");
    assertClose([found.tokens], [golden.tokens], 1e-8);
    const width = golden.interval[1] - golden.interval[0];
    found.interval.forEach((end, i) => {
      assert.ok(Math.abs(end - golden.interval[i]!) < 0.12 * width, found.interval.join());
    });
  }
});

interface Interpolated {
  lengths: number[];
  a: number[][];
  b: number[][];
  difference: number[];
  welch: [number, number][];
  paired: [number, number][];
  tokens: number;
}

const interpolatedRows = (golden: Interpolated): Row[] =>
  (["a", "b"] as const).flatMap((model) =>
    golden.lengths.flatMap((prompt_tokens, i) =>
      golden[model][i]!.map((ttft_ms, repeat): Row => ({ model, prompt_tokens, ttft_ms, repeat })),
    ),
  );

test("differences by length have SciPy's intervals, Welch's and the paired", () => {
  for (const golden of cases<Interpolated>("interpolated")) {
    const [a, b] = sampleSeries(tableOf(interpolatedRows(golden)), { metric: "ttft_ms" });
    for (const paired of [false, true]) {
      const table = differencesByLength(a!, b!, { paired });
      const intervals = paired ? golden.paired : golden.welch;
      assertClose(table.array("difference") as number[], golden.difference, 1e-12);
      assertClose(
        table.array("difference_lo") as number[],
        intervals.map(([lo]) => lo),
        1e-8,
      );
      assertClose(
        table.array("difference_hi") as number[],
        intervals.map(([, hi]) => hi),
        1e-8,
      );
    }
  }
});

test("means with lines between them cross where brentq says; pairs that share their scatter narrow it", () => {
  for (const golden of cases<Interpolated>("interpolated")) {
    const [a, b] = sampleSeries(tableOf(interpolatedRows(golden)), { metric: "ttft_ms" });
    const [apart, paired] = [false, true].map((paired) => interpolatedCrossover(a!, b!, { paired }));
    assert.ok(apart!.state === "crossing" && paired!.state === "crossing");
    assertClose([apart!.tokens, paired!.tokens], [golden.tokens, golden.tokens], 1e-9);
    assert.deepEqual(paired!.bracket, [16384, 32768]);
    const width = ([lo, hi]: readonly [number, number]): number => hi - lo;
    assert.ok(width(paired!.interval) < 0.5 * width(apart!.interval));
  }
});

test("quantiles of Student's t are SciPy's", () => {
  interface Student {
    probability: number;
    freedom: number;
    quantile: number;
  }
  for (const { probability, freedom, quantile } of cases<Student>("student-t"))
    assertClose([studentQuantile(probability, freedom)], [quantile], 1e-8, 1e-6);
  assert.throws(() => studentQuantile(1, 5), RangeError);
  assert.throws(() => studentQuantile(0.5, 0), RangeError);
});

test("the paper's cliff as a step: the crossing is at the jump, somewhere between 24576 and 32768 tokens", () => {
  const table = tableOf(paperRows());
  const [a] = fitScaling(table, { metric: "ttft_ms", form: "quadratic+step", breakAt: 32768 });
  const [, b] = fitScaling(table, { metric: "ttft_ms" });
  const found = crossover(a!, b!);
  assert.ok(found.state === "crossing" && found.jump);
  assertClose([found.tokens, ...found.interval], [32768, 24576, 32768], 1e-6);
});

test("replicates of a form with a jump put the crossing at the jump", () => {
  const [a, b] = fitScaling(tableOf(paperRows()), { metric: "ttft_ms" });
  const stepped = (at: number): Curve => ({ at: (x) => 10 + 0.01 * x + (x >= at ? 1000 : 0), breaks: [at] });
  const line: Curve = { at: (x) => 20 + 0.02 * x, breaks: [] };
  const fit = (base: ScalingFit, curve: Curve, draw: (i: number) => Curve): ScalingFit => ({
    ...base,
    curve,
    resample: (count) => Array.from({ length: count }, (_, i) => draw(i)),
  });
  const steps = fit(a!, stepped(24576), (i) => stepped(i % 10 === 0 ? 32768 : 24576));
  const found = crossover(
    steps,
    fit(b!, line, () => line),
    { replicates: 100 },
  );
  assert.ok(found.state === "crossing");
  assert.equal(found.jump, true);
  assertClose([found.tokens, ...found.interval], [24576, 16384, 32768], 1e-6);
});
