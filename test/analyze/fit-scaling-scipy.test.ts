import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { suite, test } from "node:test";
import {
  coefficientTable,
  compareForms,
  fitScaling,
  predictionBands,
  residualTable,
  type FitScalingOptions,
  type ScalingFit,
} from "../../src/analyze/index.js";
import { aicc } from "../../src/stats/index.js";
import { assertClose } from "../stats/scipy.js";
import { tableOf } from "./samples.js";

interface Case {
  name: string;
  lengths: number[];
  values: number[];
  options: Partial<FitScalingOptions>;
  coefficients: number[];
}

/** What statsmodels and SciPy say; test/fixtures/scipy/make_scaling.py wrote them. */
const goldens = JSON.parse(
  readFileSync(new URL("../fixtures/scipy/scaling.json", import.meta.url), "utf8"),
) as {
  paper: (Case & { standardErrors: number[]; r2: number })[];
  wls: (Case & {
    standardErrors: number[];
    intervals: [number, number][];
    aicc: number;
    leverages: number[];
    standardized: number[];
    cooks: number[];
    at: number[];
    mean: [number, number][];
    sample: [number, number][];
  })[];
  rlm: (Case & { standardErrors: number[]; weights: number[] })[];
  broken: (Case & { breakTokens: number })[];
  nonlinear: (Case & { exponent?: number; variancePower?: number })[];
  profile: (Case & { intervals: [number, number][] })[];
  heldOut: (Case & { heldOutErrors: Record<string, number> })[];
};

const tableOfCase = ({ lengths, values }: Case): ReturnType<typeof tableOf> =>
  tableOf(lengths.map((prompt_tokens, i) => ({ model: "m", prompt_tokens, ttft_ms: values[i]! })));

const fitCase = (golden: Case): ScalingFit =>
  fitScaling(tableOfCase(golden), { metric: "ttft_ms", ...golden.options })[0]!;

const columnOf = (table: ReturnType<typeof tableOf>, name: string): number[] =>
  Array.from(table.array(name) as number[]);

suite("the paper's rows give statsmodels' coefficients, standard errors and R²", () => {
  for (const golden of goldens.paper)
    test(golden.name, () => {
      const { coefficients, standardErrors, r2 } = fitCase(golden);
      assertClose(Object.values(coefficients), golden.coefficients);
      assertClose(Object.values(standardErrors), golden.standardErrors);
      assertClose([r2], [golden.r2]);
    });
});

suite("weighted least squares are statsmodels'", () => {
  for (const golden of goldens.wls)
    test(golden.name, () => {
      const fit = fitCase(golden);
      assertClose(Object.values(fit.coefficients), golden.coefficients);
      assertClose(Object.values(fit.standardErrors), golden.standardErrors);
      assert.equal(fit.scatter, golden.options.scatter);

      const coefficients = coefficientTable([fit]);
      assertClose(
        columnOf(coefficients, "lo"),
        golden.intervals.map(([lo]) => lo),
        1e-6,
      );
      assertClose(
        columnOf(coefficients, "hi"),
        golden.intervals.map(([, hi]) => hi),
        1e-6,
      );

      const residuals = residualTable([fit]);
      assertClose(columnOf(residuals, "leverage"), golden.leverages);
      assertClose(columnOf(residuals, "standardized_residual"), golden.standardized, 1e-6, 1e-3);
      assertClose(columnOf(residuals, "cooks_distance"), golden.cooks, 1e-6, 1e-3);

      const weights = fit.points.map(({ weight }) => weight);
      const squares = fit.points.map(
        ({ length, value, weight }) => weight * (value - fit.predict(length)) ** 2,
      );
      const residualSum = squares.reduce((sum, square) => sum + square, 0);
      assertClose([aicc({ residualSum, weights, parameters: 4 })], [golden.aicc]);
      const scores = compareForms(tableOfCase(golden), {
        metric: "ttft_ms",
        forms: ["quadratic"],
        scatter: fit.scatter,
      });
      assertClose(columnOf(scores, "aicc"), [golden.aicc]);
    });

  for (const golden of goldens.wls)
    test(`bands, ${golden.name}`, () => {
      const bands = predictionBands([fitCase(golden)], { promptTokens: golden.at, replicates: 20_000 });
      for (const [names, expected] of [
        [["ttft_ms_lo", "ttft_ms_hi"], golden.mean],
        [["sample_lo", "sample_hi"], golden.sample],
      ] as const)
        golden.at.forEach((length, i) => {
          const width = expected[i]![1] - expected[i]![0];
          names.forEach((name, end) => {
            const found = columnOf(bands, name)[i]!;
            // 20 000 replicates place an end within a hundredth or two of the width.
            assert.ok(
              Math.abs(found - expected[i]![end]!) < 0.03 * width,
              `${name} at ${length}: ${found}, golden ${expected[i]!.join(" to ")}`,
            );
          });
        });
      assert.deepEqual(bands.array("extrapolated"), [true, false, true]);
    });
});

suite("robust fits are statsmodels' RLM", () => {
  for (const golden of goldens.rlm)
    test(golden.name, () => {
      const fit = fitCase(golden);
      assertClose(Object.values(fit.coefficients), golden.coefficients, 1e-7);
      assertClose(Object.values(fit.standardErrors), golden.standardErrors, 1e-6);
      assertClose(columnOf(residualTable([fit]), "robust_weight"), golden.weights, 1e-5, 1);
    });
});

suite("breaks are where trying them all by SciPy's nnls puts them", () => {
  for (const golden of goldens.broken)
    test(golden.name, () => {
      const fit = fitCase(golden);
      const { a, b, d } = fit.coefficients;
      assert.equal(fit.breakTokens, golden.breakTokens);
      assertClose([a, b, d!], golden.coefficients);
      // The break given, the fit is the same and has one degree of freedom more.
      const given = fitCase({ ...golden, options: { ...golden.options, breakAt: golden.breakTokens } });
      assertClose(Object.values(given.coefficients), Object.values(fit.coefficients));
      assert.equal(given.degreesOfFreedom, fit.degreesOfFreedom + 1);
    });
});

suite("curves that are not linear in what is sought are SciPy's least squares", () => {
  for (const golden of goldens.nonlinear)
    test(golden.name, () => {
      const fit = fitCase(golden);
      const { a, b, c } = fit.coefficients;
      assertClose([a, b, c].slice(0, golden.coefficients.length), golden.coefficients, 1e-5);
      if (golden.exponent !== undefined) assertClose([fit.exponent], [golden.exponent], 1e-6);
      if (golden.variancePower !== undefined)
        assertClose([fit.inference.estimate.variance.power], [golden.variancePower]);
    });
});

suite("profile intervals are the roots that SciPy finds", () => {
  for (const golden of goldens.profile)
    test(golden.name, () => {
      const table = coefficientTable([fitCase(golden)]);
      assertClose(columnOf(table, "value"), golden.coefficients);
      assertClose(
        columnOf(table, "lo"),
        golden.intervals.map(([lo]) => lo),
        1e-6,
      );
      assertClose(
        columnOf(table, "hi"),
        golden.intervals.map(([, hi]) => hi),
        1e-6,
      );
    });
});

suite("held-out errors are those of fits without each length", () => {
  for (const golden of goldens.heldOut)
    test(golden.name, () => {
      const forms = ["constant", "linear", "quadratic"] as const;
      const table = compareForms(tableOfCase(golden), { metric: "ttft_ms", forms });
      assertClose(
        columnOf(table, "held_out_error"),
        forms.map((form) => golden.heldOutErrors[form]!),
      );
    });
});
