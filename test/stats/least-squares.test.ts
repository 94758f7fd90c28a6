import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { leastSquares, leastSquaresEach } from "../../src/stats/index.js";
import { assertClose, scipyCases } from "./scipy.js";

interface Case {
  name: string;
  lengths: number[];
  response: number[];
  weights: number[];
  powers: number;
  nonNegative: boolean;
  coefficients: number[];
  standardErrors: (number | null)[];
  leverages: number[];
  residuals: number[];
  r2: number;
  degreesOfFreedom: number;
}

interface NnlsCase {
  design: number[][];
  response: number[];
  coefficients: number[];
}

const powersOf = (lengths: number[], powers: number): number[][] =>
  lengths.map((length) => Array.from({ length: powers }, (_, power) => length ** power));

suite("curves over lengths are fitted as NumPy and SciPy do", () => {
  for (const golden of scipyCases<Case>("least-squares"))
    test(golden.name, () => {
      const { weights, nonNegative } = golden;
      const design = powersOf(golden.lengths, golden.powers);
      const fit = leastSquares(design, golden.response, { weights, nonNegative });
      assertClose(fit.coefficients, golden.coefficients);
      // With no spare row what is left is rounding.
      const size = Math.max(...golden.response);
      assertClose(fit.residuals, golden.residuals, 1e-8, size);
      assertClose(fit.leverages, golden.leverages, 1e-8, 1e-3);
      assertClose(fit.standardErrors, golden.standardErrors);
      assertClose([fit.r2], [golden.r2], 1e-8, 1);
      assert.equal(fit.degreesOfFreedom, golden.degreesOfFreedom);
      const { coefficients, residualSums } = leastSquaresEach(design, [golden.response], {
        weights,
        nonNegative,
      });
      assertClose([...coefficients[0]!], golden.coefficients, 1e-6);
      const total = golden.response.reduce((sum, value, i) => sum + weights[i]! * value ** 2, 0);
      assertClose([residualSums[0]!], [fit.residualSum], 1e-8, 1e-7 * total);
    });
});

test("non-negative solutions of general designs are scipy.optimize.nnls's", () => {
  const held = new Set<number>();
  for (const { design, response, coefficients } of scipyCases<NnlsCase>("nnls")) {
    const fit = leastSquares(design, response, { nonNegative: true });
    assertClose(fit.coefficients, coefficients, 1e-8, 1e-3);
    fit.standardErrors.forEach((error, j) => {
      assert.equal(error === null, coefficients[j] === 0);
    });
    held.add(coefficients.filter((coefficient) => coefficient === 0).length);
  }
  assert.deepEqual(
    [...held].sort(),
    [0, 1, 2, 3, 4],
    "the goldens hold every number of coefficients at the bound",
  );
});

test("many responses at once give what each gives alone", () => {
  const lengths = [1024, 2048, 4096, 8192, 16384, 32768];
  const design = powersOf(lengths, 3);
  const responses = Array.from({ length: 300 }, (_, k) =>
    lengths.map((length, i) => 10 + 0.01 * length + 1e-8 * length ** 2 + 30 * Math.sin(k * 7 + i * i)),
  );
  for (const nonNegative of [false, true]) {
    const { coefficients } = leastSquaresEach(design, responses, { nonNegative });
    responses.forEach((response, k) => {
      assertClose([...coefficients[k]!], leastSquares(design, response, { nonNegative }).coefficients, 1e-9);
    });
  }
  assert.deepEqual(leastSquaresEach(design, []).coefficients, []);
});

test("responses that are all 0 are fitted by 0", () => {
  const fit = leastSquares(powersOf([1, 2, 3, 4], 2), [0, 0, 0, 0], { nonNegative: true });
  assert.deepEqual(fit.coefficients, [0, 0]);
  assert.equal(fit.r2, null);
});

test("R² of responses that do not vary is null, not NaN", () => {
  assert.equal(leastSquares(powersOf([1, 2, 3, 4], 2), [0.1, 0.1, 0.1, 0.1]).r2, null);
});

test("degenerate input is refused with its reason", () => {
  const line = powersOf([1, 2, 3], 2);
  const refused = (act: () => unknown, message: RegExp): void => {
    assert.throws(act, { name: "RangeError", message });
  };
  refused(() => leastSquares([], []), /empty/);
  refused(() => leastSquares([[1, 2]], [1]), /1 row\(s\) cannot determine 2 coefficients/);
  refused(() => leastSquares([[1, 2], [1]], [1, 2]), /2 finite numbers in every row/);
  refused(
    () =>
      leastSquares(
        [
          [1, NaN],
          [1, 2],
        ],
        [1, 2],
      ),
    /2 finite numbers in every row/,
  );
  refused(() => leastSquares(line, [1, 2]), /2 response\(s\) for 3 rows/);
  refused(() => leastSquares(line, [1, 2, NaN]), /response is NaN/);
  refused(() => leastSquares(line, [1, 2, 3], { weights: [1, 1] }), /2 weight\(s\) for 3 rows/);
  refused(() => leastSquares(line, [1, 2, 3], { weights: [1, 0, 1] }), /weight is 0/);
  refused(() => leastSquares(powersOf([5, 5, 5], 2), [1, 2, 3]), /depend on one another/);
  refused(
    () =>
      leastSquares(
        [
          [1, 0],
          [1, 0],
        ],
        [1, 2],
      ),
    /0 throughout/,
  );
});
