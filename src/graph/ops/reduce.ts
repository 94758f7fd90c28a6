import { type Value } from "../builder.js";
import type { Shape } from "../types.js";
import { axisOf } from "./check.js";

function reduce(op: string, x: Value, axis: number, keep: boolean): Value {
  const index = axisOf(op, x, axis);
  const shape: Shape = keep
    ? x.shape.map((d, i) => (i === index ? 1 : d))
    : x.shape.filter((_, i) => i !== index);
  return x.graph.node(op, [x, x.graph.constant("int64", [1], [index])], [{ dtype: x.dtype, shape }], {
    attributes: { keepdims: keep ? 1 : 0 },
  })[0]!;
}

/** The axis stays, with size 1. */
export const reduceMax = (x: Value, axis: number): Value => reduce("ReduceMax", x, axis, true);
/** The axis disappears. */
export const reduceMin = (x: Value, axis: number): Value => reduce("ReduceMin", x, axis, false);

/** Inclusive running sum along an axis. */
export function cumsum(x: Value, axis: number): Value {
  const index = axisOf("CumSum", x, axis);
  return x.graph.node("CumSum", [x, x.graph.constant("int64", [], [index])], [x])[0]!;
}

/** The sum of all elements that follow along an axis. */
export function sumAfter(x: Value, axis: number): Value {
  const index = axisOf("CumSum", x, axis);
  return x.graph.node("CumSum", [x, x.graph.constant("int64", [], [index])], [x], {
    attributes: { exclusive: 1, reverse: 1 },
  })[0]!;
}

/** Keeps the lower triangle of the last two axes, up to diagonal `k`; zeros elsewhere. */
export function lowerTriangle(x: Value, k = 0): Value {
  return x.graph.node("Trilu", [x, x.graph.constant("int64", [], [k])], [x], {
    attributes: { upper: 0 },
  })[0]!;
}
