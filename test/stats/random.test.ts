import assert from "node:assert/strict";
import { test } from "node:test";
import { randomIndex } from "../../src/stats/index.js";

const draws = (seed: number, count: number, times: number): number[] => {
  const random = randomIndex(seed);
  return Array.from({ length: times }, () => random(count));
};

test("a seed gives the same indices every time, another seed others", () => {
  assert.deepEqual(draws(7, 1000, 20), draws(7, 1000, 20));
  assert.notDeepEqual(draws(7, 1000, 20), draws(8, 1000, 20));
});

test("neighbouring seeds do not start alike", () => {
  const first = Array.from({ length: 200 }, (_, seed) => draws(seed, 1_000_000, 1)[0]!);
  const steps = first.slice(1).map((value, i) => Math.abs(value - first[i]!));
  const meanStep = steps.reduce((sum, step) => sum + step, 0) / steps.length;
  assert.ok(
    meanStep > 250_000 && meanStep < 420_000,
    `mean step ${meanStep}; independent draws give 333,333`,
  );
});

test("indices fill 0 to count - 1 evenly", () => {
  const counts = new Array<number>(5).fill(0);
  for (const index of draws(1, 5, 50_000)) counts[index]!++;
  // Chi-squared with 4 degrees of freedom exceeds 18.5 once in a thousand.
  const chiSquared = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
  assert.ok(chiSquared < 18.5, `chi-squared ${chiSquared}`);
});

test("a seed that is no whole number is refused", () => {
  assert.throws(() => randomIndex(1.5), {
    name: "RangeError",
    message: "seed is 1.5: it must be a whole number",
  });
});
