import { leastSquares, leastSquaresEach, type LeastSquaresFit } from "../stats/index.js";
import type { Curve } from "./curve.js";
import { boundsOf, curveOf, designOf, shapeKind, shapesOf, type Form, type Shape } from "./forms.js";
import { fitPower, powerProblem } from "./power-exponent.js";
import { byLength, type Point } from "./weighting.js";

/** The mean of the samples at one length; its weight is the sum of theirs. */
export interface Observation extends Point {
  samples: number;
}

export function observationsOf(points: readonly Point[]): Observation[] {
  return [...byLength(points)].map(([length, group]) => {
    const weight = group.reduce((sum, point) => sum + point.weight, 0);
    const value = group.reduce((sum, point) => sum + point.weight * point.value, 0) / weight;
    return { length, value, weight, samples: group.length };
  });
}

/** A form fitted at its best shape. */
export interface FormFit {
  form: Form;
  shape: Shape;
  /** Shapes that were in question. */
  shapes: readonly Shape[];
  /** 1 if one of them was sought, 0 if it was given or there is none. */
  searched: number;
  fit: LeastSquaresFit;
  curve: Curve;
  /** The curve at the observations. */
  fitted: number[];
  /** Coefficients not at their bound, and the shape if it was searched. */
  estimated: number;
  /** All coefficients, and the shape if it was searched. */
  parameters: number;
}

/**
 * The shape and the coefficients of least Σw(y − ŷ)². Given the shape a form is linear, so the shapes are tried one by
 * one; the exponent of a power is then refined between its neighbours. null if the lengths are too few.
 */
export function fitForm(
  observations: readonly Observation[],
  form: Form,
  at: number | null = null,
): FormFit | null {
  const lengths = observations.map(({ length }) => length);
  const shapes = shapesOf(form, lengths, at);
  if (shapes.length === 0) return null;
  const fits = shapes.map((shape) => fitAt(observations, form, shape));
  const best = leastOf(fits.map(({ residualSum }) => residualSum));
  const kind = shapeKind(form);
  const searched = kind === "exponent" || (kind === "break" && at === null) ? 1 : 0;
  if (kind !== "exponent")
    return { form, shapes, searched, ...fitShape(observations, form, shapes[best]!, searched, fits[best]) };
  const values = observations.map(({ value }) => value);
  const { exponent } = fitPower(powerProblem(observations), values, ...around(shapes, best));
  return { form, shapes, searched, ...fitShape(observations, form, exponent, searched) };
}

/** The place of the least; of several the first. */
function leastOf(residualSums: readonly number[]): number {
  return residualSums.reduce((least, sum, i) => (sum < residualSums[least]! ? i : least), 0);
}

/** The neighbours of an exponent tried, itself where it has none. */
function around(exponents: readonly Shape[], i: number): [from: number, to: number] {
  return [exponents[i - 1] ?? exponents[i]!, exponents[i + 1] ?? exponents[i]!];
}

/** The part of a FormFit that its shape decides. */
function fitShape(
  observations: readonly Observation[],
  form: Form,
  shape: Shape,
  searched: number,
  fit = fitAt(observations, form, shape),
): Omit<FormFit, "form" | "shapes" | "searched"> {
  const { coefficients, degreesOfFreedom } = fit;
  const curve = curveOf(form, shape, coefficients);
  return {
    shape,
    fit,
    curve,
    fitted: observations.map(({ length }) => curve.at(length)),
    estimated: observations.length - degreesOfFreedom + searched,
    parameters: coefficients.length + searched,
  };
}

/** The same form at the same shape, fitted to other values. */
export function refitShape(found: FormFit, observations: readonly Observation[]): FormFit {
  return { ...found, ...fitShape(observations, found.form, found.shape, found.searched) };
}

/** The fit of one shape. */
export function fitAt(
  observations: readonly Point[],
  form: Form,
  shape: Shape,
  nonNegative: boolean | readonly boolean[] = boundsOf(form),
): LeastSquaresFit {
  const { design, weights } = problemOf(observations, form, shape);
  return leastSquares(
    design,
    observations.map(({ value }) => value),
    { weights, nonNegative },
  );
}

/** Curves fitted to many sets of values at the same lengths, each at its own best shape. */
export function fitEach(
  observations: readonly Observation[],
  form: Form,
  shapes: readonly Shape[],
  responses: readonly ArrayLike<number>[],
): Curve[] {
  const fits = shapes.map((shape) => {
    const { design, weights } = problemOf(observations, form, shape);
    return leastSquaresEach(design, responses, { weights, nonNegative: boundsOf(form) });
  });
  const best = responses.map((_, k) => leastOf(fits.map(({ residualSums }) => residualSums[k]!)));
  if (shapeKind(form) !== "exponent")
    return best.map((shape, k) => curveOf(form, shapes[shape]!, fits[shape]!.coefficients[k]!));
  const power = powerProblem(observations);
  return responses.map((response, k) => {
    const { exponent, coefficients } = fitPower(power, response, ...around(shapes, best[k]!));
    return curveOf(form, exponent, coefficients);
  });
}

function problemOf(
  observations: readonly Point[],
  form: Form,
  shape: Shape,
): { design: number[][]; weights: number[] } {
  const lengths = observations.map(({ length }) => length);
  return {
    design: designOf(form, shape, lengths),
    weights: observations.map(({ weight }) => weight),
  };
}
