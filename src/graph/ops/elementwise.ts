import { type Value } from "../builder.js";
import { TYPES, type DType } from "../types.js";
import { broadcast, needType, sameType } from "./check.js";

function binary(op: string, a: Value, b: Value, result?: DType): Value {
  const dtype = sameType(op, a, b);
  return a.graph.node(op, [a, b], [{ dtype: result ?? dtype, shape: broadcast(op, a, b) }])[0]!;
}

function unary(op: string, x: Value): Value {
  needType(op, x, "float32", "float16", "bfloat16");
  return x.graph.node(op, [x], [x])[0]!;
}

/** ONNX Add. */
export const add = (a: Value, b: Value): Value => binary("Add", a, b);
/** ONNX Sub. */
export const sub = (a: Value, b: Value): Value => binary("Sub", a, b);
/** ONNX Mul. */
export const mul = (a: Value, b: Value): Value => binary("Mul", a, b);
/** ONNX Min. */
export const min = (a: Value, b: Value): Value => binary("Min", a, b);
/** ONNX Mod, of integers. */
export const mod = (a: Value, b: Value): Value => binary("Mod", a, b);
/** ONNX Equal. */
export const equal = (a: Value, b: Value): Value => binary("Equal", a, b, "bool");
/** ONNX LessOrEqual. */
export const lessOrEqual = (a: Value, b: Value): Value => binary("LessOrEqual", a, b, "bool");

/** ONNX And. */
export function and(a: Value, b: Value): Value {
  needType("And", a, "bool");
  return binary("And", a, b);
}

/** ONNX Exp. */
export const exp = (x: Value): Value => unary("Exp", x);
/** ONNX Log, to base e. */
export const log = (x: Value): Value => unary("Log", x);
/** ONNX Neg. */
export const neg = (x: Value): Value => unary("Neg", x);

/** log(1 + e^x). In float16 ONNX Runtime's overflows above 11: give it float32. */
export function softplus(x: Value): Value {
  needType("Softplus", x, "float32");
  return unary("Softplus", x);
}

/** x·sigmoid(x), as one kernel: QuickGelu with alpha 1. */
export function silu(x: Value): Value {
  return x.graph.node("QuickGelu", [x], [x], {
    domain: "com.microsoft",
    attributes: { alpha: { float: 1 } },
  })[0]!;
}

/** x·Φ(x), by the error function. */
export function gelu(x: Value): Value {
  return x.graph.node("Gelu", [x], [x], { domain: "com.microsoft" })[0]!;
}

/** The tanh form of GELU ("gelu_new"), with an optional bias added first. */
export function geluTanh(x: Value, bias?: Value): Value {
  return x.graph.node("FastGelu", bias ? [x, bias] : [x], [x], { domain: "com.microsoft" })[0]!;
}

/** ONNX Where: of `a` where the condition holds, else of `b`. */
export function where(condition: Value, a: Value, b: Value): Value {
  needType("Where", condition, "bool");
  const dtype = sameType("Where", a, b);
  return a.graph.node(
    "Where",
    [condition, a, b],
    [{ dtype, shape: broadcast("Where", condition, a, b) }],
  )[0]!;
}

/** ONNX Cast; the value itself where it is of the type. */
export function cast(x: Value, dtype: DType): Value {
  if (x.dtype === dtype) return x;
  return x.graph.node("Cast", [x], [{ dtype, shape: x.shape }], {
    attributes: { to: TYPES[dtype].onnx },
  })[0]!;
}
