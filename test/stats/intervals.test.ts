import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  bootstrapInterval,
  fiellerInterval,
  median,
  medianInterval,
  medianRatioInterval,
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

test("of an odd number of samples, the interval of the median is that of every possible resample", () => {
  for (const { samples, confidence, enumerated } of golden<{
    samples: number[];
    confidence: number;
    enumerated: [number, number];
  }>("median")) {
    const [lo, hi] = medianInterval(sortSamples(samples), confidence);
    if (samples.length % 2 === 1) assert.deepEqual([lo, hi], enumerated);
    // Of an even number it encloses it, by less than a step between samples at either end.
    const sorted = [...sortSamples(samples)];
    assert.ok(lo <= enumerated[0] && hi >= enumerated[1]);
    assert.ok(sorted[sorted.indexOf(lo) + 1]! >= enumerated[0]);
    assert.ok(sorted[sorted.indexOf(hi) - 1]! <= enumerated[1]);
  }
});

test("ranks of many samples are those of SciPy's binomial distribution", () => {
  for (const { n, rank } of golden<{ n: number; rank: number }>("median-rank")) {
    const samples = sortSamples(Array.from({ length: n }, (_, i) => i + 1));
    assert.deepEqual(medianInterval(samples), [rank, n + 1 - rank]);
  }
});

test("drawing gives the same interval of the median", () => {
  const draw = normal(3);
  const samples = Array.from({ length: 15 }, draw);
  const [lo, hi] = bootstrapInterval(samples, median, { replicates: 20000 });
  assert.deepEqual(medianInterval(sortSamples(samples)), [lo, hi]);
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

test("the ratio of two medians has SciPy's bootstrap interval", () => {
  for (const { x, y, interval } of golden<{ x: number[]; y: number[]; interval: [number, number] }>(
    "median-ratio",
  )) {
    const settings = { replicates: 50000, confidence: 0.95, random: randomIndex(1) };
    assertClose(medianRatioInterval(x, y, settings)!, interval, 2e-3);
  }
});

test("too few samples, or no certainty, are refused", () => {
  assert.throws(() => medianInterval(sortSamples([1])), /1 sample\(s\): an interval of a median/);
  assert.throws(() => medianInterval(sortSamples([1, 2]), 95), /confidence is 95/);
  assert.throws(() => fiellerInterval([1], [1, 2]), /1 sample\(s\): an interval of a ratio/);
  const settings = { replicates: 100, confidence: 0.95, random: randomIndex(1) };
  assert.throws(() => medianRatioInterval([1, 2], [3], settings), /1 sample\(s\)/);
  assert.equal(medianRatioInterval([1, 2], [0, 3], settings), null);
});
