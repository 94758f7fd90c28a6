import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compareLogits,
  faultOf,
  summarizeDifferences,
  type Check,
  type Difference,
} from "../../../src/run/gate/compare.js";
import { TOLERANCES, toleranceOf } from "../../../src/run/gate/tolerances.js";

const WHERE = { phase: "decode", promptTokens: 130, segmentTokens: 50 } as const;
const TOLERANCE = { max: 0.1, mean: 0.05 };
const REFERENCE = Float32Array.of(1, -4, 3, 2);

const near = (actual: number, expected: number): void => {
  assert.ok(Math.abs(actual - expected) < 1e-7, `${actual} is not ${expected}`);
};

test("errors of one position, by hand", () => {
  const difference = compareLogits(REFERENCE, Float32Array.of(1.5, -4, 2.75, 2), 2n);
  assert.deepEqual(difference, {
    maxAbs: 0.5,
    meanAbs: 0.1875,
    scale: 4,
    margin: 1,
    agrees: true,
    pickedLargest: true,
  });
});

test("the best is the lowest index on ties, wherever it stands", () => {
  const flat = compareLogits(Float32Array.of(5, 5, 1), Float32Array.of(1, 5, 5), 1n);
  assert.equal(flat.margin, 0);
  assert.equal(flat.agrees, false);
  assert.equal(flat.pickedLargest, true);
  const picked = (token: bigint): boolean =>
    compareLogits(Float32Array.of(5, 3, 1), Float32Array.of(5, 5, 1), token).pickedLargest;
  // What the graph chose from before it was rounded to float16 may tie afterwards.
  assert.deepEqual([picked(0n), picked(1n), picked(2n), picked(3n)], [true, true, false, false]);
  // The second best before and after the best.
  assert.equal(compareLogits(Float32Array.of(4, 7, 1), Float32Array.of(4, 7, 1), 1n).margin, 3);
  assert.equal(compareLogits(Float32Array.of(7, 1, 4), Float32Array.of(7, 1, 4), 0n).margin, 3);
});

test("a logit that is no number is infinitely wrong; such a reference is refused", () => {
  for (const odd of [NaN, Infinity, -Infinity])
    assert.equal(compareLogits(REFERENCE, Float32Array.of(1, -4, odd, 2), 2n).maxAbs, Infinity);
  assert.throws(() => compareLogits(Float32Array.of(1, NaN), REFERENCE.slice(0, 2), 0n), /not finite/);
  assert.throws(() => compareLogits(REFERENCE, REFERENCE.slice(1), 0n), /3 logits .* with 4/);
});

const difference = (change: Partial<Difference> = {}): Difference => ({
  maxAbs: 0.2,
  meanAbs: 0.1,
  scale: 4,
  margin: 1,
  agrees: true,
  pickedLargest: true,
  ...change,
});

test("a check holds the worst of its positions, each relative to its own scale", () => {
  const check = summarizeDifferences(
    WHERE,
    [
      difference(),
      difference({ maxAbs: 0.15, meanAbs: 0.02, scale: 2 }),
      difference({ margin: 0.1, agrees: false }),
    ],
    TOLERANCE,
  );
  assert.equal(check.positions, 3);
  assert.equal(check.maxAbsError, 0.2);
  near(check.meanAbsError, 0.22 / 3);
  near(check.maxError, 0.075);
  near(check.meanError, 0.025);
  assert.equal(check.decisive, 2, "a margin of 0.1 is within the tolerance of 0.4");
  assert.equal(check.disagreeing, 0);
  assert.equal(faultOf(check, TOLERANCE), null);
});

const FAULTS: [string, Partial<Difference>, RegExp][] = [
  ["one logit", { maxAbs: 0.44 }, /a logit is off by 1.1e-1, more than 1.0e-1/],
  ["all logits a little", { meanAbs: 0.24 }, /off by 6.0e-2 in the mean, more than 5.0e-2/],
  ["another clear token", { agrees: false }, /1 of 1 clear next tokens/],
  ["the token it goes on with", { pickedLargest: false }, /1 of 1 tokens gone on with/],
  ["no numbers", { maxAbs: Infinity, meanAbs: Infinity }, /logits are not finite/],
];

for (const [what, change, message] of FAULTS)
  test(`a check fails for ${what}, and says where`, () => {
    const check: Check = summarizeDifferences(WHERE, [difference(change)], TOLERANCE);
    assert.match(faultOf(check, TOLERANCE)!, message);
    assert.match(faultOf(check, TOLERANCE)!, /^1 tokens decoded after 130 prompt tokens in segments of 50: /);
  });

test("logits of nothing but 0 are no division by 0", () => {
  const zero = new Float32Array(3);
  const check = summarizeDifferences(WHERE, [compareLogits(zero, zero, 0n)], TOLERANCE);
  assert.equal(check.maxError, 0);
  const off = summarizeDifferences(WHERE, [compareLogits(zero, Float32Array.of(0, 1, 0), 1n)], TOLERANCE);
  assert.match(faultOf(off, TOLERANCE)!, /off by Infinity/);
});

test("TF32 is judged as the 10 bits it has", () => {
  assert.equal(toleranceOf({ dtype: "fp32", quant: null, cuda: null }), TOLERANCES.fp32);
  assert.equal(toleranceOf({ dtype: "fp32", quant: null, cuda: { tf32: false } }), TOLERANCES.fp32);
  assert.equal(toleranceOf({ dtype: "fp32", quant: null, cuda: { tf32: true } }), TOLERANCES.fp16);
  assert.equal(
    toleranceOf({ dtype: "fp32", quant: null, cuda: {} }),
    TOLERANCES.fp16,
    "ONNX Runtime's default",
  );
  assert.equal(toleranceOf({ dtype: "bf16", quant: null, cuda: { tf32: true } }), TOLERANCES.bf16);
  const quant = { bits: 4, block: 32, int8Compute: false } as const;
  assert.equal(toleranceOf({ dtype: "int4", quant, cuda: null }), TOLERANCES.fp32, "its own weights");
  assert.equal(toleranceOf({ dtype: "int4", quant, cuda: {} }), TOLERANCES.fp16);
  const inInt8 = { ...quant, int8Compute: true };
  assert.equal(toleranceOf({ dtype: "int4", quant: inInt8, cuda: null }), TOLERANCES.int8Compute);
});
