import assert from "node:assert/strict";
import { test } from "node:test";
import { linearTicks, logDomain, logTicks, powersOfTwo } from "../../src/figures/axis.js";

test("a logarithmic domain is widened evenly, a single value too", () => {
  assert.deepEqual(logDomain([1, 100], 0.5), [0.1, 1000]);
  const [low, high] = logDomain([8], 0.1);
  assert.ok(low < 8 && high > 8);
});

test("powers of two are thinned evenly", () => {
  assert.deepEqual(powersOfTwo([100, 5000], 10), [128, 256, 512, 1024, 2048, 4096]);
  assert.deepEqual(powersOfTwo([100, 5000], 3), [128, 512, 2048]);
});

test("logarithmic ticks: as few as give four", () => {
  assert.deepEqual(logTicks([0.5, 2e4]), [1, 10, 100, 1000, 10000]);
  assert.deepEqual(logTicks([9, 220]), [10, 20, 50, 100, 200]);
  assert.deepEqual(logTicks([0.0009, 0.011]), [0.001, 0.002, 0.005, 0.01]);
  assert.deepEqual(logTicks([22, 79]), [30, 40, 50, 60]);
  assert.deepEqual(logTicks([10.1, 11.25]), [10.2, 10.4, 10.6, 10.8, 11, 11.2]);
});

test("linear ticks are round and inside", () => {
  assert.deepEqual(linearTicks([0, 1400], 4), [0, 500, 1000]);
  assert.deepEqual(linearTicks([0, 0.7], 4), [0, 0.2, 0.4, 0.6]);
  assert.deepEqual(linearTicks([0, 1], 4), [0, 0.2, 0.4, 0.6, 0.8, 1]);
});
