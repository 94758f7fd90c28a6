import assert from "node:assert/strict";
import { test } from "node:test";
import { leastSquares, profileInterval, studentQuantile } from "../../src/stats/index.js";
import { assertClose } from "./scipy.js";

const X = [1, 2, 3, 4, 5, 6];
const DESIGN = X.map((x) => [1, x]);
const Y = [2.1, 3.9, 6.2, 7.8, 10.1, 12.1];

test("without bounds it is the t-interval", () => {
  const fit = leastSquares(DESIGN, Y);
  const reach = studentQuantile(0.975, fit.degreesOfFreedom);
  const allowed = fit.residualSum * (1 + reach ** 2 / fit.degreesOfFreedom);
  [0, 1].forEach((column) => {
    const half = reach * fit.standardErrors[column]!;
    const estimate = fit.coefficients[column]!;
    assertClose(profileInterval(DESIGN, Y, column, allowed)!, [estimate - half, estimate + half], 1e-7);
  });
});

test("a bound cuts it off, of this coefficient and through the others", () => {
  // Without bounds the offset is near 0 and its interval goes below.
  const fit = leastSquares(DESIGN, Y, { nonNegative: true });
  const allowed = fit.residualSum * 3;
  const free = profileInterval(DESIGN, Y, 0, allowed)!;
  const bounded = profileInterval(DESIGN, Y, 0, allowed, { nonNegative: true })!;
  assert.ok(free[0] < 0);
  assertClose(bounded, [0, free[1]], 1e-7);
  // A larger slope would need a negative offset.
  const slope = profileInterval(DESIGN, Y, 1, allowed)!;
  const held = profileInterval(DESIGN, Y, 1, allowed, { nonNegative: [true, false] })!;
  assertClose([held[0]], [slope[0]], 1e-7);
  assert.ok(held[1] < slope[1]);
});

test("a single column, and too little allowed", () => {
  const ones = X.map(() => [1]);
  const { residualSum, coefficients } = leastSquares(ones, Y);
  // Σ(y − m)² = least + 6(m − mean)².
  assertClose(
    profileInterval(ones, Y, 0, residualSum + 6)!,
    [coefficients[0]! - 1, coefficients[0]! + 1],
    1e-7,
  );
  assert.equal(profileInterval(ones, Y, 0, residualSum / 2), null);
});
