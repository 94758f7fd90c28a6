import assert from "node:assert/strict";
import { test } from "node:test";
import { median, quantile, quantiles, sortSamples } from "../../src/stats/index.js";
import { assertClose, scipyCases } from "./scipy.js";

interface Case {
  samples: number[];
  probabilities: number[];
  quantiles: number[];
  median: number;
}

test("quantiles and medians are NumPy's", () => {
  for (const golden of scipyCases<Case>("quantiles")) {
    const sorted = sortSamples(golden.samples);
    assertClose(quantiles(sorted, golden.probabilities), golden.quantiles, 1e-14);
    assertClose([median(golden.samples)], [golden.median], 1e-15);
  }
});

test("sorting leaves the caller's array alone", () => {
  const samples = [3, 1, 2];
  sortSamples(samples);
  assert.deepEqual(samples, [3, 1, 2]);
});

test("samples and probabilities that have no quantile are refused", () => {
  assert.throws(() => sortSamples([]), { name: "RangeError", message: /no samples/ });
  for (const wrong of [NaN, Infinity, -Infinity])
    assert.throws(() => median([1, wrong, 2]), {
      name: "RangeError",
      message: `sample is ${wrong}: samples must be finite numbers`,
    });
  for (const wrong of [-0.1, 1.1, NaN])
    assert.throws(() => quantile(sortSamples([1]), wrong), {
      name: "RangeError",
      message: /between 0 and 1/,
    });
});
