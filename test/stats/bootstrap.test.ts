import assert from "node:assert/strict";
import { test } from "node:test";
import { bootstrapInterval, median, percentileInterval, randomIndex } from "../../src/stats/index.js";
import { scipyCases } from "./scipy.js";

interface Case {
  statistic: "median" | "mean";
  samples: number[];
  interval: [number, number];
}

const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;

test("percentile intervals agree with scipy.stats.bootstrap within their Monte Carlo error", () => {
  for (const { statistic, samples, interval } of scipyCases<Case>("bootstrap")) {
    const found = bootstrapInterval(samples, statistic === "mean" ? mean : median, { replicates: 20_000 });
    const width = interval[1] - interval[0];
    found.forEach((bound, i) => {
      assert.ok(
        Math.abs(bound - interval[i]!) < 0.03 * width,
        `${statistic} of ${samples.length}: ${found.join()}`,
      );
    });
  }
});

test("a seed gives the same interval; a running source goes on", () => {
  const samples = [3, 1, 4, 1, 5, 9, 2, 6];
  assert.deepEqual(bootstrapInterval(samples, mean), bootstrapInterval(samples, mean, { seed: 1 }));
  const source = randomIndex(1);
  assert.deepEqual(bootstrapInterval(samples, mean, { seed: source }), bootstrapInterval(samples, mean));
  assert.notDeepEqual(bootstrapInterval(samples, mean, { seed: source }), bootstrapInterval(samples, mean));
});

test("more confidence gives a wider interval", () => {
  const samples = [3, 1, 4, 1, 5, 9, 2, 6];
  const [lo, hi] = bootstrapInterval(samples, mean, { confidence: 0.5 });
  const [wideLo, wideHi] = bootstrapInterval(samples, mean, { confidence: 0.99 });
  assert.ok(wideLo < lo && hi < wideHi);
});

test("what has no interval is refused", () => {
  assert.throws(() => bootstrapInterval([1], mean), { name: "RangeError", message: /1 sample\(s\)/ });
  assert.throws(() => bootstrapInterval([1, 2], mean, { replicates: 0 }), {
    name: "RangeError",
    message: /replicates is 0/,
  });
  assert.throws(() => percentileInterval([1, 2], 95), { name: "RangeError", message: /confidence is 95/ });
});
