import assert from "node:assert/strict";
import { test } from "node:test";
import {
  crossoverVariants,
  describeCrossover,
  differencesByLength,
  fitScaling,
  interpolatedCrossover,
  sampleSeries,
  type Crossover,
  type InterpolatedOptions,
  type SampleSeries,
} from "../../src/analyze/index.js";
import { loadPaper, type Row } from "../../src/record/index.js";
import { assertClose } from "../stats/scipy.js";
import { LENGTHS, normal, paperRows, simulate, tableOf, type Truth } from "./samples.js";

const TRANSFORMER: Truth = [5, 0.009, 4e-7];
const SSM: Truth = [10, 0.023, 0];

function seriesOf(rows: readonly Row[]): [SampleSeries, SampleSeries] {
  const [a, b] = sampleSeries(tableOf(rows), { metric: "ttft_ms" });
  return [a!, b!];
}

function comparePair(
  a: Truth,
  b: Truth,
  { noise = 0.02, samples = 5, seed = 1, lengths = LENGTHS } = {},
  options: InterpolatedOptions = {},
): Crossover {
  const draw = normal(seed);
  const rows = [["A", a] as const, ["B", b] as const].flatMap(([model, truth]) =>
    simulate(model, truth, { noise, samples, draw, lengths }),
  );
  return interpolatedCrossover(...seriesOf(rows), options);
}

function inState<State extends Crossover["state"]>(
  result: Crossover,
  state: State,
): Crossover & { state: State } {
  assert.equal(result.state, state, describeCrossover(result));
  return result as Crossover & { state: State };
}

test("power laws without scatter cross where algebra says, for lines are straight on logarithmic axes", () => {
  const rows = LENGTHS.flatMap((prompt_tokens): Row[] => [
    { model: "A", prompt_tokens, ttft_ms: 0.003 * prompt_tokens ** 1.2 },
    { model: "B", prompt_tokens, ttft_ms: 0.02 * prompt_tokens },
  ]);
  const meet = (0.02 / 0.003) ** 5;
  const twice = inState(interpolatedCrossover(...seriesOf([...rows, ...rows])), "crossing");
  // Differences below 1e-9 of the values are rounding.
  assertClose([twice.tokens, ...twice.interval], [meet, meet, meet], 1e-7);
  assert.deepEqual([twice.lowerBelow, twice.lowerAbove, twice.share], ["A", "B", 1]);
  assert.deepEqual(twice.bracket, [8192, 16384]);
});

test("the interval is wider than the scatter's own for few samples, and covers the truth", () => {
  const meet = (0.02 / 0.003) ** 5;
  const covers = Array.from({ length: 60 }, (_, seed) => {
    const draw = normal(seed);
    const rows = LENGTHS.flatMap((prompt_tokens) =>
      [0, 1, 2].flatMap((): Row[] => [
        { model: "A", prompt_tokens, ttft_ms: 0.003 * prompt_tokens ** 1.2 * (1 + 0.02 * draw()) },
        { model: "B", prompt_tokens, ttft_ms: 0.02 * prompt_tokens * (1 + 0.02 * draw()) },
      ]),
    );
    const result = interpolatedCrossover(...seriesOf(rows), { replicates: 250, seed });
    return result.state === "crossing" && result.interval[0] <= meet && meet <= result.interval[1];
  });
  const covered = covers.filter(Boolean).length;
  assert.ok(covered >= 51, `${covered} of 60`);
});

test("states: lower throughout, not separable, twice", () => {
  assert.equal(inState(comparePair(TRANSFORMER, [20, 0.012, 1e-6]), "none-in-range").lower, "A");
  assert.equal(inState(comparePair(TRANSFORMER, TRANSFORMER), "not-separable").reason, "within-uncertainty");
  const twice = inState(comparePair([25, 0.012, 3e-7], [5, 0.023, 0], { noise: 0.005 }), "multiple");
  assert.deepEqual(
    twice.crossings.map(({ bracket }) => bracket),
    [
      [1024, 2048],
      [32768, 57344],
    ],
  );
});

test("outside the measured lengths nothing is said", () => {
  const found = inState(comparePair([5, 0.009, 1e-7], SSM), "none-in-range");
  assert.equal(found.lower, "A");
  assert.deepEqual(found.horizon, found.measured);
});

test("curves that scatter to and fro about one change of order cross once", () => {
  // Equal from 4096 to 16384 tokens.
  const values = (model: string, at: number[]): Row[] =>
    at.flatMap((value, i) =>
      [-1, 0, 1].map((off) => ({ model, prompt_tokens: 2 ** (10 + i), ttft_ms: value + off })),
    );
  const rows = [
    ...values("A", [10, 40, 100.2, 199.8, 400.2, 1200]),
    ...values("B", [30, 70, 100, 200, 400, 800]),
  ];
  const found = inState(interpolatedCrossover(...seriesOf(rows)), "crossing");
  assert.equal(found.lowerAbove, "B");
  assert.deepEqual(found.bracket, [2048, 32768]);
});

test("the paper's single samples give the two lengths around the crossing and no interval", () => {
  const found = inState(interpolatedCrossover(...seriesOf(paperRows())), "crossing");
  assert.deepEqual([found.interval, found.share, found.replicates], [[24576, 32768], null, 0]);
  assert.equal(found.lowerAbove, "mamba2-780m");
  assert.equal(
    inState(interpolatedCrossover(...seriesOf(paperRows(24576))), "none-in-range").lower,
    "qwen2.5-0.5b-instruct",
  );
});

test("any column of numbers crosses without a fit", () => {
  const rows = loadPaper("latency").filter(
    (row: { figure: string; model: string }) => row.figure === "6b" && row.model !== "falcon-h1-0.5b",
  );
  const [a, b] = sampleSeries(rows, { metric: "overall_tokens_per_s" });
  const found = inState(interpolatedCrossover(a!, b!), "crossing");
  assert.deepEqual(found.bracket, [24576, 32768]);
  assert.match(found.lowerAbove, /^qwen2.5-0.5b/);
});

test("fits and samples are given side by side, with a note where they differ", () => {
  const [a, b] = fitScaling(tableOf(paperRows()), { metric: "ttft_ms" });
  const same = crossoverVariants(a!, b!);
  assert.deepEqual([same.fitted.method, same.interpolated?.method], ["fitted", "interpolated"]);
  assert.equal(same.note, null);

  // A spike at 8192 that no parabola follows.
  const spiked = (rows: Row[]): Row[] =>
    rows.map((row) => (row.prompt_tokens === 8192 ? { ...row, ttft_ms: row.ttft_ms! * 4 } : row));
  const draw = normal(3);
  const [p, q] = fitScaling(
    tableOf([
      ...spiked(simulate("A", [5, 0.02, 0], { noise: 0.01, draw })),
      ...simulate("B", [10, 0.06, 0], { noise: 0.01, draw }),
    ]),
    { metric: "ttft_ms" },
  );
  const { interpolated, note } = crossoverVariants(p!, q!);
  assert.equal(interpolated?.state, "multiple");
  assert.match(
    note!,
    /^The fitted curves .*; the samples themselves cross at [\d,]+ tokens \(B lower above\) and/,
  );

  const odd = simulate("B", SSM, { lengths: [1000, 3000, 9000, 50000], noise: 0.01, draw });
  const [r, s] = fitScaling(tableOf([...simulate("A", TRANSFORMER, { noise: 0.01, draw }), ...odd]), {
    metric: "ttft_ms",
  });
  const apart = crossoverVariants(r!, s!);
  assert.deepEqual([apart.interpolated, apart.note], [null, null]);
});

test("pairs are of one repeat; what cannot be paired or compared is refused in one sentence", () => {
  const numbered = (model: string, repeats: number[], prompt_tokens = 1024): Row[] =>
    repeats.map((repeat) => ({ model, prompt_tokens, ttft_ms: 10 + repeat, repeat }));
  const refused = (rows: Row[], options: InterpolatedOptions, message: string): void => {
    assert.throws(() => interpolatedCrossover(...seriesOf(rows), options), { name: "UserError", message });
  };
  const [a, b] = seriesOf([
    ...numbered("A", [0, 1, 2]),
    ...numbered("A", [0], 2048),
    ...numbered("B", [1, 2, 3]),
    ...numbered("B", [1], 2048),
  ]);
  const pairs = differencesByLength(a, b, { paired: true });
  assert.deepEqual(pairs.objects(), [
    {
      prompt_tokens: 1024,
      a: "A",
      b: "B",
      metric: "ttft_ms",
      unit: "ms",
      a_mean: 11.5,
      b_mean: 11.5,
      a_n: 2,
      b_n: 2,
      difference: 0,
      difference_lo: 0,
      difference_hi: 0,
      ratio: 1,
      lower: null,
    },
  ]);
  refused(
    [
      ...numbered("A", [0, 1]),
      ...numbered("A", [0], 2048),
      ...numbered("B", [2, 3]),
      ...numbered("B", [2], 2048),
    ],
    { paired: true },
    "A and B have no repeat of a length in common: without a curve samples are compared at equal repeat and prompt_tokens",
  );
  refused(
    [
      ...numbered("A", [0]),
      ...numbered("A", [0], 4096),
      ...numbered("B", [0], 2048),
      ...numbered("B", [0], 3000),
    ],
    {},
    "A and B have no length in common: without a curve samples are compared at equal prompt_tokens",
  );
  refused(
    [...numbered("A", [0]), ...numbered("A", [0], 4096), ...numbered("B", [0]), ...numbered("B", [0], 3000)],
    {},
    "A and B were both measured at 1024 tokens only: without a curve a crossing needs two lengths in common, one on each side",
  );
  assert.throws(() => sampleSeries(tableOf(numbered("A", [0])), { metric: "model" }), {
    name: "UserError",
    message: "metric is model: it must be a column of numbers",
  });
  assert.throws(() => differencesByLength(a, b, { confidence: 2 }), { name: "UserError" });
});
