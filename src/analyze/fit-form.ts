import { levenbergMarquardt } from "ml-levenberg-marquardt";
import { leastSquares, leastSquaresEach, type LeastSquaresFit } from "../stats/index.js";
import type { Curve } from "./curve.js";
import { boundsOf, curveOf, designOf, shapeKind, shapesOf, type Form, type Shape } from "./forms.js";
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
 * one (separable least squares: Golub and Pereyra 1973, doi:10.1137/0710036); the exponent of a power is then refined
 * together with the coefficients by Levenberg and Marquardt's method. null if the lengths are too few.
 */
export function fitForm(
  observations: readonly Observation[],
  form: Form,
  at: number | null = null,
): FormFit | null {
  const lengths = observations.map(({ length }) => length);
  const shapes = shapesOf(form, lengths, at);
  if (shapes.length === 0) return null;
  const candidates = shapes.map((shape) => ({ shape, fit: fitAt(observations, form, shape) }));
  let best = candidates.reduce((least, other) =>
    other.fit.residualSum < least.fit.residualSum ? other : least,
  );
  if (shapeKind(form) === "exponent") {
    const shape = refineExponent(observations, best.shape!, best.fit.coefficients);
    const refined = { shape, fit: fitAt(observations, form, shape) };
    if (refined.fit.residualSum < best.fit.residualSum) best = refined;
  }
  const kind = shapeKind(form);
  const searched = kind === "exponent" || (kind === "break" && at === null) ? 1 : 0;
  return { form, shapes, searched, ...fitShape(observations, form, best.shape, searched, best.fit) };
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
  return responses.map((_, k) => {
    let best = 0;
    fits.forEach(({ residualSums }, i) => {
      if (residualSums[k]! < fits[best]!.residualSums[k]!) best = i;
    });
    return curveOf(form, shapes[best]!, fits[best]!.coefficients[k]!);
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

/** Lengths as a share of the longest and residuals in standard deviations keep all numbers of the search near 1. */
function refineExponent(
  observations: readonly Observation[],
  exponent: number,
  [a, b]: readonly number[],
): number {
  const longest = observations.at(-1)!.length;
  const roots = observations.map(({ weight }) => Math.sqrt(weight));
  const size = Math.max(...observations.map(({ value }, i) => value * roots[i]!));
  if (size === 0) return exponent;
  const { parameterValues } = levenbergMarquardt(
    {
      x: observations.map((_, i) => i),
      y: observations.map(({ value }, i) => (value * roots[i]!) / size),
    },
    ([offset, scale, power]) =>
      (i) =>
        ((offset! + scale! * (observations[i]!.length / longest) ** power!) * roots[i]!) / size,
    {
      initialValues: [a!, b! * longest ** exponent, exponent],
      minValues: [0, 0, 0.01],
      maxValues: [Number.MAX_VALUE, Number.MAX_VALUE, 8],
      maxIterations: 60,
      errorTolerance: 0,
      improvementThreshold: 0,
      gradientDifference: 1e-6,
      centralDifference: true,
      damping: 1e-3,
    },
  );
  const found = parameterValues[2]!;
  return Number.isFinite(found) ? found : exponent;
}
