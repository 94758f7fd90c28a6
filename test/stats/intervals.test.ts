import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  fiellerInterval,
  medianInterval,
  medianRatio,
  medianRatioInterval,
  medianReplicates,
  percentileInterval,
  randomIndex,
  sortSamples,
} from "../../src/stats/index.js";
import { normal } from "../analyze/samples.js";
import { assertClose } from "./scipy.js";

/** The cases in test/fixtures/intervals/<name>.json; make.py there wrote them. */
function golden<Case>(name: string): Case[] {
  const path = new URL(`../fixtures/intervals/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(path, "utf8")) as Case[];
}

test("the interval of a median is SciPy's, of ordered samples or, of few, of logarithms", () => {
  for (const { samples, confidence, interval } of golden<{
    samples: number[];
    confidence: number;
    interval: [number, number];
  }>("median"))
    assertClose(medianInterval(sortSamples(samples), confidence)!, interval, 1e-12);
});

test("ranks of many samples are those of SciPy's binomial distribution, and hold the median as often as asked", () => {
  for (const { n, rank, coverage } of golden<{ n: number; rank: number; coverage: number }>("median-rank")) {
    const samples = sortSamples(Array.from({ length: n }, (_, i) => i + 1));
    assert.deepEqual(medianInterval(samples), [rank, n + 1 - rank]);
    assert.ok(coverage >= 0.95);
  }
});

test("95 % of data sets of two, three and five samples hold the median and the ratio of two in their intervals", () => {
  const draw = normal(3);
  const trials = 2000;
  for (const n of [2, 3, 5]) {
    const samples = (mean: number): number[] => Array.from({ length: n }, () => mean * (1 + 0.02 * draw()));
    const held = { median: 0, ratio: 0 };
    for (let i = 0; i < trials; i++) {
      const [lo, hi] = medianInterval(sortSamples(samples(10)))!;
      if (lo <= 10 && hi >= 10) held.median++;
      const settings = { replicates: 1, confidence: 0.95, random: randomIndex(1) };
      const [from, to] = medianRatioInterval(samples(30), samples(10), settings)!;
      if (from <= 3 && to >= 3) held.ratio++;
    }
    assert.ok(held.median / trials > 0.935 && held.median / trials < 0.965, `${n}: ${held.median}`);
    // Welch's is wide for two samples, whose variances say next to nothing of their degrees of freedom.
    assert.ok(
      held.ratio / trials > 0.935 && held.ratio / trials < (n < 5 ? 0.99 : 0.965),
      `${n}: ${held.ratio}`,
    );
  }
});

test("equal samples have an interval without width, and no logarithm is taken of 0", () => {
  assert.deepEqual(medianInterval(sortSamples([12, 12])), [12, 12]);
  assert.deepEqual(medianInterval(sortSamples([0, 0, 0])), [0, 0]);
  assert.equal(medianInterval(sortSamples([0, 1, 2])), null);
  const settings = { replicates: 100, confidence: 0.95, random: randomIndex(1) };
  assert.deepEqual(medianRatioInterval([12, 12], [3, 3, 3], settings), [4, 4]);
  assert.equal(medianRatioInterval([0, 12], [3, 4], settings), null);
});

test("the ratio of two means has Fieller's interval", () => {
  for (const { x, y, confidence, interval } of golden<{
    x: number[];
    y: number[];
    confidence: number;
    interval: [number, number] | null;
  }>("fieller")) {
    const found = fiellerInterval(x, y, confidence);
    if (interval === null) assert.equal(found, null);
    else assertClose(found!, interval, 1e-9);
  }
});

test("Fieller's interval of 95 % holds the ratio in 95 % of data sets", () => {
  const draw = normal(7);
  const samples = (n: number, mean: number, noise: number): number[] =>
    Array.from({ length: n }, () => mean * (1 + noise * draw()));
  const trials = 4000;
  let held = 0;
  for (let i = 0; i < trials; i++) {
    const [lo, hi] = fiellerInterval(samples(5, 300, 0.05), samples(7, 100, 0.02))!;
    if (lo <= 3 && hi >= 3) held++;
  }
  assert.ok(held / trials > 0.94 && held / trials < 0.96, String(held / trials));
});

test("the ratio of two medians has SciPy's bootstrap interval or, of few samples, Welch's of logarithms", () => {
  for (const { x, y, method, interval } of golden<{
    x: number[];
    y: number[];
    method: "bootstrap" | "welch";
    interval: [number, number];
  }>("median-ratio")) {
    const settings = { replicates: method === "welch" ? 1 : 50000, confidence: 0.95, random: randomIndex(1) };
    assertClose(medianRatioInterval(x, y, settings)!, interval, method === "welch" ? 1e-12 : 2e-3);
  }
});

test("replicates of few samples spread as their interval does", () => {
  const draws = { replicates: 40000, confidence: 0.95, random: randomIndex(1) };
  const [x, y] = [
    [12, 10, 15, 11],
    [3, 3.5, 3.2],
  ] as const;
  const { replicates, interval } = medianRatio(x, y, draws)!;
  assertClose(percentileInterval(replicates, 0.95), interval, 0.02);
  assertClose(percentileInterval(medianReplicates(x, draws)!, 0.95), medianInterval(sortSamples(x))!, 0.02);
});

test("too few samples, or no certainty, are refused", () => {
  assert.throws(() => medianInterval(sortSamples([1])), /1 sample\(s\): an interval of a median/);
  assert.throws(() => medianInterval(sortSamples([1, 2]), 95), /confidence is 95/);
  assert.throws(() => fiellerInterval([1], [1, 2]), /1 sample\(s\): an interval of a ratio/);
  const settings = { replicates: 100, confidence: 0.95, random: randomIndex(1) };
  assert.throws(() => medianRatioInterval([1, 2], [3], settings), /1 sample\(s\)/);
  const many = [1, 2, 3, 4, 5, 6];
  assert.equal(medianRatioInterval(many, [0, 0, 0, 1, 2, 3], settings), null);
});
