import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import {
  blockedMedian,
  blockMedians,
  effectiveSamples,
  equivalenceP,
  holm,
  isPrecise,
  lag1Autocorrelation,
  meanEstimate,
  meanP,
  medianInterval,
  normalFrom,
  outliers,
  randomIndex,
  robustScale,
  signFlipP,
  sortSamples,
  studentCdf,
  welchDifference,
} from "../../src/stats/index.js";
import { assertClose } from "./scipy.js";

interface Golden {
  pairs: {
    a: number[];
    b: number[];
    bound: number;
    signFlip: number;
    paired: number;
    pairedSame: number;
    welch: number;
    welchDf: number;
    welchSame: number;
  }[];
  series: { samples: number[]; lag1: number; mad?: number; outliers: boolean[] }[];
  corrections: { p: number[]; holm: number[] }[];
  cdf: { t: number; df: number; p: number }[];
}

const golden = JSON.parse(
  readFileSync(new URL("../fixtures/scipy/tests.json", import.meta.url), "utf8"),
) as Golden;

suite("tests agree with SciPy and statsmodels", () => {
  test("of pairs: sign flips, Student's t, equivalence", () => {
    for (const { a, b, bound, ...expected } of golden.pairs) {
      const differences = a.map((value, i) => value - b[i]!);
      const paired = meanEstimate(differences);
      const welch = welchDifference(meanEstimate(a), meanEstimate(b));
      assertClose([signFlipP(differences)], [expected.signFlip], 1e-12);
      assertClose([meanP(paired), equivalenceP(paired, bound)], [expected.paired, expected.pairedSame], 1e-7);
      assertClose(
        [meanP(welch), welch.degreesOfFreedom, equivalenceP(welch, bound)],
        [expected.welch, expected.welchDf, expected.welchSame],
        1e-7,
      );
    }
  });

  test("of series: autocorrelation, robust scale, outliers", () => {
    for (const { samples, lag1, mad, outliers: marked } of golden.series) {
      assertClose([lag1Autocorrelation(samples)], [lag1], 1e-10);
      assert.deepEqual(outliers(samples), marked);
      const middle = sortSamples(samples);
      const centre = (middle[(samples.length - 1) >> 1]! + middle[samples.length >> 1]!) / 2;
      if (mad !== undefined) assertClose([robustScale(samples.map((x) => x - centre))], [mad], 1e-10);
    }
    assert.ok(golden.series.some(({ outliers: marked }) => marked.includes(true)));
  });

  test("of many comparisons: Holm", () => {
    for (const { p, holm: expected } of golden.corrections) assertClose(holm(p), expected, 1e-12);
    assert.deepEqual(holm([]), []);
  });

  test("the distribution of Student's t", () => {
    for (const { t, df, p } of golden.cdf) assertClose([studentCdf(t, df)], [p], 1e-7);
  });
});

suite("what tests make of little or nothing", () => {
  test("without scatter p is 0 or 1", () => {
    const constant = meanEstimate([0.01, 0.01]);
    assert.deepEqual([meanP(constant), meanP(constant, 0.01)], [0, 1]);
    assert.deepEqual([equivalenceP(constant, 0.02), equivalenceP(constant, 0.005)], [0, 1]);
  });

  test("five pairs never reach 0.05 by their signs, six do", () => {
    assert.equal(signFlipP([1, 2, 3, 4, 5]), 2 / 32);
    assert.equal(signFlipP([1, 2, 3, 4, 5, 6]), 2 / 64);
  });

  test("drawn sign patterns agree with all of them", () => {
    const normal = normalFrom(randomIndex(5));
    const many = Array.from({ length: 17 }, () => 0.4 + normal());
    const drawn = signFlipP(many, { replicates: 20_000 });
    const t = meanP(meanEstimate(many));
    assert.ok(Math.abs(drawn - t) < 0.02, `${drawn} against Student's ${t}`);
    assert.equal(drawn, signFlipP(many, { replicates: 20_000 }));
  });

  test("equal samples hold no outlier, one that differs from many equal ones is one", () => {
    assert.deepEqual(outliers([2, 2, 2]), [false, false, false]);
    const one = [...Array.from({ length: 19 }, () => 2), 3];
    assert.deepEqual(outliers(one).indexOf(true), 19);
    assert.deepEqual(outliers([]), []);
  });

  test("samples that follow each other count less, samples that repel each other no more", () => {
    const { samples } = golden.series[0]!;
    const rho = golden.series[0]!.lag1;
    assertClose([effectiveSamples(samples)], [(60 * (1 - rho)) / (1 + rho)], 1e-9);
    assert.equal(effectiveSamples([1, 2, 1, 2, 1, 2]), 6);
    assert.equal(effectiveSamples([4, 4, 4]), 3);
    assert.equal(effectiveSamples([4]), 1);
  });

  test("RangeError says what is wrong", () => {
    assert.throws(() => signFlipP([]), /no pairs/);
    assert.throws(() => meanEstimate([1]), /1 sample\(s\)/);
    assert.throws(() => equivalenceP(meanEstimate([1, 2]), 0), /bound of equivalence is 0/);
    assert.throws(() => holm([0.1, NaN]), /p is NaN/);
    assert.throws(() => outliers([1], 0), /cutoff is 0/);
    assert.throws(() => lag1Autocorrelation([1, 2]), /at least three/);
    assert.throws(() => blockMedians([1, 2], [1]), /2 samples and 1 blocks/);
    assert.throws(() => isPrecise([1, 2], { targetWidth: -1 }), /target width is -1/);
    assert.throws(() => studentCdf(NaN, 3), /t is NaN/);
    assert.throws(() => studentCdf(1, 0), /degrees of freedom are 0/);
  });
});

suite("blocks", () => {
  test("the median of medians, and its interval over blocks", () => {
    const samples = [10, 11, 12, 20, 21, 22, 14, 15, 16];
    const blocks = [0, 0, 0, 1, 1, 1, 2, 2, 2];
    assert.deepEqual(blockMedians(samples, blocks), [11, 21, 15]);
    const found = blockedMedian(samples, blocks);
    assert.deepEqual([found.median, found.blocks], [15, 3]);
    assert.deepEqual(found.interval, medianInterval(sortSamples([11, 21, 15])));
    assert.equal(blockedMedian([1, 2, 3], [0, 0, 0]).interval, null);
  });

  test("where blocks differ, an interval over them holds what one over samples misses", () => {
    const random = normalFrom(randomIndex(3));
    let [over, all] = [0, 0];
    const series = 300;
    for (let i = 0; i < series; i++) {
      const [samples, blocks]: [number[], number[]] = [[], []];
      for (let block = 0; block < 6; block++) {
        const shift = 0.05 * random();
        for (let j = 0; j < 6; j++) {
          samples.push(Math.exp(shift + 0.01 * random()));
          blocks.push(block);
        }
      }
      const holds = (interval: [number, number] | null) => interval![0] <= 1 && interval![1] >= 1;
      if (holds(blockedMedian(samples, blocks).interval)) over++;
      if (holds(medianInterval(sortSamples(samples)))) all++;
    }
    assert.ok(over / series > 0.93, `${over} of ${series}`);
    assert.ok(all / series < 0.75, `${all} of ${series}`);
  });
});

suite("a series that stops when it is precise", () => {
  test("stops at the width, never before six samples", () => {
    assert.equal(isPrecise([5, 5, 5, 5, 5], { targetWidth: 0.02 }), false);
    assert.equal(isPrecise([5, 5, 5, 5, 5, 5], { targetWidth: 0.02 }), true);
    assert.equal(isPrecise([5, 5, 5, 5, 5, 6], { targetWidth: 0.02 }), false);
    assert.equal(isPrecise([4.99, 5, 5, 5, 5, 5.01], { targetWidth: 0.02 }), true);
  });

  test("its interval holds the median nearly as often as it says", () => {
    const normal = normalFrom(randomIndex(11));
    let held = 0;
    const series = 600;
    for (let i = 0; i < series; i++) {
      const samples: number[] = [];
      while (samples.length < 60 && !isPrecise(samples, { targetWidth: 0.02 }))
        samples.push(Math.exp(0.02 * normal()));
      const [lo, hi] = medianInterval(sortSamples(samples))!;
      if (lo <= 1 && hi >= 1) held++;
    }
    assert.ok(held / series >= 0.9, `${held} of ${series}`);
    assert.ok(held / series < 0.97);
  });
});
