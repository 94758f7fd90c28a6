import assert from "node:assert/strict";
import { test } from "node:test";
import { aicc, pseudoResiduals, robustScale, robustWeights, tamed } from "../../src/stats/index.js";
import { assertClose } from "./scipy.js";

test("weights are 1 inside and fall as 1/u, or to 0", () => {
  assert.deepEqual(robustWeights([0, 1, -1.345, 2.69], "huber"), [1, 1, 1, 0.5]);
  const [inside, edge, beyond] = robustWeights([0.1, 4.685, 5], "tukey");
  assert.ok(inside! > 0.99);
  assert.deepEqual([edge, beyond], [0, 0]);
});

test("the scale is the standard deviation of a normal sample with that median deviation", () => {
  assertClose([robustScale([-0.6744897501960817, 0.6744897501960817, 100])], [1]);
});

test("residuals that no loss touches stay as they are", () => {
  const residuals = [0.5, -0.3, 0.1, -0.2];
  assert.deepEqual(tamed(residuals, 1, "huber"), residuals);
  assert.deepEqual(pseudoResiduals(residuals, 1, "huber", 2), residuals);
});

test("AICc needs more observations than parameters and one", () => {
  const weights = [1, 1, 1, 1];
  assert.equal(aicc({ residualSum: 1, weights, parameters: 3 }), null);
  // −2 log L = 4(log 2π + log(1/4) + 1), and 2·2·4/(4 − 2 − 1).
  assertClose(
    [aicc({ residualSum: 1, weights, parameters: 2 })],
    [4 * (Math.log(2 * Math.PI) - Math.log(4) + 1) + 16],
  );
});
