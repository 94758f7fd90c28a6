import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluateQuadratic, rootsBetween, type Quadratic } from "../../src/stats/index.js";
import { assertClose, scipyCases } from "./scipy.js";

interface Case {
  polynomial: [number, number, number];
  roots: number[];
}

test("real roots are NumPy's, in ascending order", () => {
  for (const { polynomial, roots } of scipyCases<Case>("roots"))
    assertClose(rootsBetween(polynomial, -1e12, 1e12), roots, 1e-8);
});

test("the root near cancellation keeps its digits", () => {
  // (x - 1e-3)(x - 1e9): the textbook formula loses every digit of the small root.
  const [small, large] = rootsBetween([1e6, -(1e9 + 1e-3), 1], 0, 1e12);
  assertClose([small!, large!], [1e-3, 1e9], 1e-15);
});

test("only roots in the interval are given, its ends included", () => {
  const polynomial: Quadratic = [-6, 1, 1]; // -3 and 2
  assert.deepEqual(rootsBetween(polynomial, 0, 2), [2]);
  assert.deepEqual(rootsBetween(polynomial, 2.5, 9), []);
  assert.deepEqual(rootsBetween(polynomial, -3, 2), [-3, 2]);
  assert.equal(evaluateQuadratic(polynomial, 2), 0);
});

test("polynomials and intervals without an answer are refused", () => {
  assert.throws(() => rootsBetween([0, 0, 0], 0, 1), {
    name: "RangeError",
    message: /every number is a root/,
  });
  assert.throws(() => rootsBetween([1, NaN, 0], 0, 1), { name: "RangeError", message: /finite/ });
  assert.throws(() => rootsBetween([1, 1, 0], 2, 1), {
    name: "RangeError",
    message: "interval is 2 to 1: it must run upwards",
  });
});
