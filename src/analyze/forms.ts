import { UserError } from "../errors.js";
import type { Curve } from "./curve.js";

/** `constant`: a. `linear`: a + b·L. `quadratic`: a + b·L + c·L². */
export type Smooth = "constant" | "linear" | "quadratic";

/**
 * How a metric goes with the prompt length L in tokens. All coefficients are 0 or above but for the jump.
 *
 * - `constant`, `linear`, `quadratic`: a, a + b·L, a + b·L + c·L².
 * - `…+step`: a jump of d from the break B on: a cache, a window, a page or another kernel that begins at B.
 * - `…+kink`: another slope from B on: a + b·min(L, B) + d·max(0, L − B) + c·L², `constant+kink` without b.
 * - `power`: a + b·Lᵖ, for comparison: no part of a model costs a fractional power of the length.
 */
export type Form = Smooth | `${Smooth}+step` | `${Smooth}+kink` | "power";

export const FORMS: readonly Form[] = [
  ...(["constant", "linear", "quadratic"] as const).flatMap((smooth): Form[] => [
    smooth,
    `${smooth}+step`,
    `${smooth}+kink`,
  ]),
  "power",
];

/** Names of the coefficients, in the order of a design's columns. */
export type CoefficientName = "a" | "b" | "c" | "d";

/** What beside the coefficients gives a form its shape: the break in tokens, or the exponent; null for a smooth form. */
export type Shape = number | null;

export type ShapeKind = "break" | "exponent";

/** Exponents that are tried: from nearly flat to the fourth power. */
const EXPONENTS = Array.from({ length: 40 }, (_, i) => (i + 1) / 10);

/** Lengths that must lie on either side of a break that is searched: with one, any stray length would be a step. */
const SIDE = 2;

export function coefficientNames(form: Form): readonly CoefficientName[] {
  return partsOf(form).names;
}

/** Coefficients that cannot be negative: all but the jump of a step, for a faster kernel may begin there. */
export function boundsOf(form: Form): boolean[] {
  const { tail } = partsOf(form);
  return coefficientNames(form).map((name) => !(name === "d" && tail === "step"));
}

export function shapeKind(form: Form): ShapeKind | null {
  const { tail } = partsOf(form);
  return tail === null ? null : tail === "power" ? "exponent" : "break";
}

/** Unit of a coefficient of a metric with this unit. */
export function coefficientUnit(form: Form, name: CoefficientName, unit: string): string {
  const { tail } = partsOf(form);
  if (name === "a" || (name === "d" && tail === "step")) return unit;
  if (tail === "power") return `${unit}/token^p`;
  return `${unit}/token${name === "c" ? "²" : ""}`;
}

/** Columns of the design at the lengths, a row each. */
export function designOf(form: Form, shape: Shape, lengths: readonly number[]): number[][] {
  const { smooth, tail } = partsOf(form);
  const at = shape ?? 0;
  return lengths.map((length) => {
    const slope = tail === "kink" ? Math.min(length, at) : tail === "power" ? length ** at : length;
    const row = smooth === "constant" ? [1] : smooth === "linear" ? [1, slope] : [1, slope, length ** 2];
    if (tail === "step") row.push(length >= at ? 1 : 0);
    if (tail === "kink") row.push(Math.max(0, length - at));
    return row;
  });
}

export function curveOf(form: Form, shape: Shape, coefficients: ArrayLike<number>): Curve {
  const { tail, names } = partsOf(form);
  const value = (name: CoefficientName): number => coefficients[names.indexOf(name)] ?? 0;
  const [a, b, c, d] = [value("a"), value("b"), value("c"), value("d")];
  const at = shape ?? 0;
  switch (tail) {
    case null:
      return { at: (length) => a + length * (b + length * c), breaks: [] };
    case "step":
      return { at: (length) => a + length * (b + length * c) + (length >= at ? d : 0), breaks: [at] };
    case "kink":
      return {
        at: (length) => a + b * Math.min(length, at) + d * Math.max(0, length - at) + c * length * length,
        breaks: [at],
      };
    case "power":
      return { at: (length) => a + b * length ** at, breaks: [] };
  }
}

/**
 * The shapes that these lengths can tell apart, `at` alone if a break is given. None if they are too few. A break is
 * searched among the lengths measured: between two of them, data cannot tell where it is.
 */
export function shapesOf(form: Form, lengths: readonly number[], at: number | null): Shape[] {
  const { tail } = partsOf(form);
  if (lengths.length < lengthsNeeded(form, at)) return [];
  if (tail === null) return [null];
  if (tail === "power") return EXPONENTS;
  const side = at === null ? SIDE : 1;
  const tried = at === null ? lengths : [at];
  return tried.filter((shape) => {
    const below = lengths.filter((length) => (tail === "step" ? length < shape : length <= shape)).length;
    const strictlyBelow = lengths.filter((length) => length < shape).length;
    const above = lengths.filter((length) => (tail === "step" ? length >= shape : length > shape)).length;
    return below >= side && strictlyBelow >= 1 && above >= side;
  });
}

/** Distinct lengths without which the form has no single answer. */
export function lengthsNeeded(form: Form, at: number | null): number {
  const kind = shapeKind(form);
  return coefficientNames(form).length + (kind === "exponent" || (kind === "break" && at === null) ? 1 : 0);
}

/** Refuses a form that is none of ours, for callers whose form is text. */
export function checkForm(form: string): asserts form is Form {
  if (!(FORMS as readonly string[]).includes(form))
    throw new UserError(`form is ${form}: it must be auto or one of ${FORMS.join(", ")}`);
}

interface Parts {
  smooth: Smooth;
  tail: "step" | "kink" | "power" | null;
  names: readonly CoefficientName[];
}

/** Each form taken apart, once: a bootstrap asks ten thousand times. */
const PARTS = new Map(FORMS.map((form) => [form, takeApart(form)]));

function takeApart(form: Form): Parts {
  if (form === "power") return { smooth: "linear", tail: "power", names: ["a", "b"] };
  const [smooth, tail = null] = form.split("+") as [Smooth, "step" | "kink" | undefined];
  const names: CoefficientName[] =
    smooth === "constant" ? ["a"] : smooth === "linear" ? ["a", "b"] : ["a", "b", "c"];
  return { smooth, tail, names: tail === null ? names : [...names, "d"] };
}

function partsOf(form: Form): Parts {
  return PARTS.get(form)!;
}
