import assert from "node:assert/strict";
import { test } from "node:test";
import {
  crossover,
  describeCrossover,
  fitScaling,
  type Crossover,
  type CrossoverOptions,
  type Curve,
  type FitMetricName,
  type ScalingFit,
} from "../../src/analyze/index.js";
import type { Row } from "../../src/record/schema.js";
import { assertClose } from "../stats/scipy.js";
import { LENGTHS, normal, paperRows, simulate, tableOf, type Truth } from "./samples.js";

const TRANSFORMER: Truth = [5, 0.009, 4e-7];
const SSM: Truth = [10, 0.023, 0];
/** Where the two are equal: 4e-7·L² - 0.014·L - 5 = 0. */
const MEET = (0.014 + Math.sqrt(0.014 ** 2 + 4 * 4e-7 * 5)) / (2 * 4e-7);

function fitPair(rows: readonly Row[], metric: FitMetricName = "ttft_ms"): [ScalingFit, ScalingFit] {
  const [a, b] = fitScaling(tableOf(rows), { metric });
  return [a!, b!];
}

/** The fit with another curve, of which every replicate is equal. */
const shaped = (fit: ScalingFit, curve: Curve): ScalingFit => ({
  ...fit,
  curve,
  resample: (replicates) => Array.from({ length: replicates }, () => curve),
});

interface Simulation {
  noise?: number;
  samples?: number;
  seed?: number;
  lengths?: number[];
}

function comparePair(
  a: Truth,
  b: Truth,
  { noise = 0.02, samples = 5, seed = 1, lengths = LENGTHS }: Simulation = {},
  options: CrossoverOptions = {},
): Crossover {
  const draw = normal(seed);
  const rows = [["A", a] as const, ["B", b] as const].flatMap(([model, truth]) =>
    simulate(model, truth, { noise, samples, draw, lengths }),
  );
  return crossover(...fitPair(rows), options);
}

/** The result if it is in the state expected, with that state's fields. */
function inState<State extends Crossover["state"]>(
  result: Crossover,
  state: State,
): Crossover & { state: State } {
  assert.equal(result.state, state, describeCrossover(result));
  return result as Crossover & { state: State };
}

test("curves without noise meet where algebra says, whichever comes first", () => {
  for (const [a, b] of [
    [TRANSFORMER, SSM],
    [SSM, TRANSFORMER],
  ] as const) {
    const found = inState(comparePair(a, b, { noise: 0 }), "crossing");
    assertClose([found.tokens, ...found.interval], [MEET, MEET, MEET], 1e-6);
    assert.equal(found.share, 1);
    assert.equal(found.lowerBelow, a === TRANSFORMER ? "A" : "B");
    assert.equal(found.lowerAbove, a === TRANSFORMER ? "B" : "A");
    assert.deepEqual(found.measured, [1024, 57344]);
  }
});

test("a seed gives the same interval every time, another seed another", () => {
  const compare = (seed: number): Crossover => comparePair(TRANSFORMER, SSM, {}, { seed });
  assert.deepEqual(compare(3), compare(3));
  assert.notDeepEqual(compare(3), compare(4));
});

test("more confidence and more noise give wider intervals", () => {
  const width = (simulation: Simulation, options: CrossoverOptions = {}): number => {
    const [lo, hi] = inState(comparePair(TRANSFORMER, SSM, simulation, options), "crossing").interval;
    return hi - lo;
  };
  assert.ok(width({}, { confidence: 0.8 }) < width({}));
  assert.ok(width({}) < width({ noise: 0.05 }));
});

for (const samples of [1, 10])
  test(`intervals from ${samples} sample(s) a length cover the truth about as often as they say`, () => {
    const found = Array.from({ length: 80 }, (_, seed) =>
      inState(comparePair(TRANSFORMER, SSM, { samples, seed }, { replicates: 250, seed }), "crossing"),
    );
    const covered = found.filter(({ interval: [lo, hi] }) => lo <= MEET && MEET <= hi).length;
    // The central 99.8 % of a binomial of 80 at 95 % (scipy.stats.binom).
    assert.ok(covered >= 69 && covered <= 80, `${covered} of 80`);
    assert.ok(found.every(({ lowerBelow, lowerAbove }) => lowerBelow === "A" && lowerAbove === "B"));
  });

test("two samples of one curve are not separable in nearly all data sets", () => {
  const states = Array.from({ length: 60 }, (_, seed) =>
    comparePair(TRANSFORMER, TRANSFORMER, { seed }, { replicates: 250, seed }),
  );
  const notSeparable = states.filter(({ state }) => state === "not-separable").length;
  assert.ok(notSeparable >= 51, `${notSeparable} of 60`);
});

test("identical curves are not separable, noise or none", () => {
  for (const noise of [0, 0.02]) {
    const rows = simulate("A", TRANSFORMER, { noise, draw: normal(1) });
    const twin = rows.map((row) => ({ ...row, model: "B" }));
    const found = inState(crossover(...fitPair([...rows, ...twin])), "not-separable");
    assert.equal(found.reason, "within-uncertainty");
  }
});

test("curves apart at some lengths that may or may not cross are not separable", () => {
  // Parallel far away, 1 % apart at the long end: noise of 5 % tips the order there.
  const found = inState(comparePair([5, 0.01, 0], [15, 0.0099, 0], { noise: 0.05 }), "not-separable");
  assert.equal(found.reason, "order-unclear");
  assert.ok(found.share! > 0);
});

test("a curve that is lower throughout has no crossing in range", () => {
  const found = inState(comparePair(TRANSFORMER, [20, 0.012, 1e-6]), "none-in-range");
  assert.deepEqual([found.lower, found.higher], ["A", "B"]);
  assertClose([found.ratioAtShortest!, found.ratioAtLongest!], [2.26, 2.16], 0.05);
  assert.equal(found.share, 0);
});

test("curves that meet beyond the measured lengths are extrapolated", () => {
  const found = inState(comparePair([5, 0.009, 1e-7], SSM), "extrapolated");
  const [lo, hi] = found.interval;
  assert.ok(lo < 140_356 && 140_356 < hi && found.tokens > 57344);
  assert.deepEqual(found.horizon, [16, 57344 * 64]);
  assert.deepEqual([found.lowerBelow, found.lowerAbove], ["A", "B"]);
});

test("curves that meet below the shortest length are extrapolated too", () => {
  const found = inState(comparePair([1, 0.02, 0], [5, 0.01, 0], { noise: 0.002 }), "extrapolated");
  assert.ok(found.tokens > 300 && found.tokens < 500, `${found.tokens}`);
});

test("a meeting past the horizon does not count", () => {
  // They meet at 14.0 million tokens, 244 times the longest length.
  const found = inState(comparePair([5, 0.009, 1e-9], SSM, { noise: 0 }), "none-in-range");
  assert.equal(found.lower, "A");
});

test("falling lines that meet below 0 do not meet", () => {
  // They meet at 125000 tokens and -0.5 ms.
  const [a, b] = fitPair([...simulate("A", SSM), ...simulate("B", SSM)]);
  const falling = (from: number, slope: number): Curve => ({
    at: (length) => from - slope * length,
    breaks: [],
  });
  const found = inState(
    crossover(shaped(a, falling(12, 1e-4)), shaped(b, falling(13, 1.08e-4))),
    "none-in-range",
  );
  assert.equal(found.lower, "A");
});

test("only lengths that both cover count as measured", () => {
  const long = simulate("A", SSM, { lengths: [1024, 8192, 32768, 131072] });
  const short = simulate("B", TRANSFORMER, { lengths: [1024, 4096, 8192, 16384] });
  const found = inState(crossover(...fitPair([...long, ...short])), "extrapolated");
  assert.deepEqual(found.measured, [1024, 16384]);
  assertClose([found.tokens], [MEET], 1e-6);
});

test("curves that cross twice are listed, in ascending order", () => {
  // 0 = 20 - 0.011·L + 3e-7·L² at 1918 and 34749 tokens.
  const found = inState(comparePair([25, 0.012, 3e-7], [5, 0.023, 0], { noise: 0.005 }), "multiple");
  const [first, second] = found.crossings;
  assertClose([first!.tokens, second!.tokens], [1918, 34749], 0.03);
  assert.deepEqual([first!.lowerBelow, second!.lowerBelow], ["B", "A"]);
});

test("memory without scatter: a cache of 0 bytes is lower throughout, with no ratio", () => {
  const rows = LENGTHS.flatMap((prompt_tokens): Row[] => [
    { model: "mamba2-780m", prompt_tokens, kv_cache_bytes: 0 },
    { model: "qwen2.5-0.5b", prompt_tokens, kv_cache_bytes: 12288 * prompt_tokens },
  ]);
  const found = inState(crossover(...fitPair(rows, "kv_cache_bytes")), "none-in-range");
  assert.deepEqual([found.lower, found.ratioAtShortest, found.ratioAtLongest], ["mamba2-780m", null, null]);
});

test("the paper's TTFT: Mamba2-780m crosses below Qwen2.5-0.5B only by the row at 32768 tokens", () => {
  const withCliff = inState(crossover(...fitPair(paperRows())), "crossing");
  assertClose([withCliff.tokens], [24950], 1e-4);
  assert.ok(withCliff.interval[0] < 20000 && withCliff.interval[1] > 60000, withCliff.interval.join());
  assert.equal(withCliff.lowerAbove, "mamba2-780m");

  const without = inState(crossover(...fitPair(paperRows(24576))), "extrapolated");
  assertClose([without.tokens], [53011], 1e-4);
  // Six lengths leave three degrees of freedom: the upper end is far.
  assert.ok(without.interval[0] > 32768 && without.interval[1] > 95000, without.interval.join());
  assert.equal(without.lowerAbove, "mamba2-780m");
});

test("labels tell series of one model apart", () => {
  const settings = (rows: Row[], lowering: string): Row[] =>
    rows.map((row) => ({ ...row, lowering, batch: 1 }));
  const rows = [
    ...settings(simulate("m", TRANSFORMER), "fused"),
    ...settings(simulate("m", SSM), "ssd-matmul"),
  ];
  const found = crossover(...fitPair(rows));
  assert.deepEqual([found.a, found.b], ["m (fused)", "m (ssd-matmul)"]);

  const modes = rows.map((row) => ({ ...row, decode_lowering: row.lowering!, lowering: "ssd-matmul" }));
  const decoded = crossover(...fitPair(modes));
  assert.deepEqual([decoded.a, decoded.b], ["m (decode_lowering fused)", "m (decode_lowering ssd-matmul)"]);

  const [fit] = fitPair(rows);
  const same = crossover(fit, fit);
  assert.deepEqual([same.a, same.b], ["m (1)", "m (2)"]);
});

test("what cannot be compared is refused in one sentence", () => {
  const [a, b] = fitPair([...simulate("A", TRANSFORMER), ...simulate("B", SSM)]);
  const refused = (act: () => unknown, message: string): void => {
    assert.throws(act, { name: "UserError", message });
  };
  refused(
    () => crossover(a, { ...b, metric: "e2e_ms" }),
    "the series are of ttft_ms and e2e_ms: a crossover compares one metric",
  );
  const elsewhere = { ...b, series: { ...b.series, device: "jetson" } };
  refused(
    () => crossover(a, elsewhere),
    "the series are from gpu and jetson: a crossover compares one device (acrossDevices: true allows two)",
  );
  assert.equal(crossover(a, elsewhere, { acrossDevices: true }).b, "B (jetson)");
  const far = fitPair([
    ...simulate("A", TRANSFORMER, { lengths: [1, 2, 4, 8] }),
    ...simulate("B", SSM, { lengths: [16, 32, 64, 128] }),
  ]);
  refused(
    () => crossover(...far),
    "A was measured from 1 to 8 tokens and B from 16 to 128: a crossover needs lengths that both cover",
  );
  const bare = fitPair([
    ...simulate("A", TRANSFORMER, { lengths: [1024, 2048, 4096], samples: 1 }),
    ...simulate("B", [5, 0.009, 3e-7], { lengths: [1024, 2048, 4096], samples: 1 }),
  ]);
  refused(
    () => crossover(...bare),
    "A has 3 samples of ttft_ms for as many coefficients: without one to spare there is no scatter to resample",
  );
  refused(
    () => crossover(a, b, { replicates: 10 }),
    "replicates is 10: it must be a whole number of at least 100",
  );
  refused(
    () => crossover(a, b, { confidence: 95 }),
    "confidence is 95: it must be between 0 and 1, such as 0.95",
  );
  refused(() => crossover(a, b, { seed: 0.5 }), "seed is 0.5: it must be a whole number");
});
