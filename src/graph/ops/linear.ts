import { mayMatch, type Value } from "../builder.js";
import { formatShape, type Dim, type Shape } from "../types.js";
import { add } from "./elementwise.js";
import { fail, needRank, sameType } from "./check.js";
import { transpose } from "./layout.js";
import { isQuantized, matMulNBits, type QuantizedMatrix } from "./mat-mul-n-bits.js";

/** The weight of a linear layer, [out, in]. */
export type Matrix = Value | QuantizedMatrix;

/** Batched matrix product; leading dimensions broadcast. */
export function matmul(a: Value, b: Value): Value {
  const dtype = sameType("MatMul", a, b);
  const shape = productShape("MatMul", a, b, b.shape.at(-2)!, b.shape.at(-1)!);
  return a.graph.node("MatMul", [a, b], [{ dtype, shape }])[0]!;
}

/** scale · a bᵀ for every pair of matrices; leading dimensions broadcast. */
export function matmulTransposed(a: Value, b: Value, scale: number): Value {
  const dtype = sameType("matmulTransposed", a, b);
  const shape = productShape("matmulTransposed", a, b, b.shape.at(-1)!, b.shape.at(-2)!);
  return a.graph.node("FusedMatMul", [a, b], [{ dtype, shape }], {
    domain: "com.microsoft",
    attributes: { transB: 1, alpha: { float: scale } },
  })[0]!;
}

/**
 * x Wᵀ (+ bias), with W stored [out, in] as in published checkpoints: nothing is transposed in memory, and a tied
 * embedding serves as the head. ONNX's own MatMul would need [in, out].
 */
export function linear(x: Value, weight: Matrix, bias?: Value): Value {
  const product = isQuantized(weight) ? matMulNBits(x, weight) : fusedProduct(x, weight);
  return bias ? add(product, bias) : product;
}

function fusedProduct(x: Value, weight: Value): Value {
  needRank("linear", weight, 2);
  const dtype = sameType("linear", x, weight);
  const shape = productShape("linear", x, weight, weight.shape[1]!, weight.shape[0]!);
  return x.graph.node("FusedMatMul", [x, weight], [{ dtype, shape }], {
    domain: "com.microsoft",
    attributes: { transB: 1 },
  })[0]!;
}

/**
 * (x Wᵀ)ᵀ: x [batch, tokens, in] and W [out, in] give [batch, out, tokens], without a transposition in memory unless W is
 * quantised.
 */
export function linearTransposed(x: Value, weight: Matrix): Value {
  needRank("linearTransposed", x, 3);
  if (isQuantized(weight)) return transpose(matMulNBits(x, weight), [0, 2, 1]);
  needRank("linearTransposed", weight, 2);
  const dtype = sameType("linearTransposed", x, weight);
  const [batch, tokens] = x.shape as [Dim, Dim];
  productShape("linearTransposed", x, weight, weight.shape[1]!, weight.shape[0]!);
  return x.graph.node("FusedMatMul", [weight, x], [{ dtype, shape: [batch, weight.shape[0]!, tokens] }], {
    domain: "com.microsoft",
    attributes: { transB: 1 },
  })[0]!;
}

function productShape(op: string, a: Value, b: Value, inner: Dim, outer: Dim): Shape {
  if (a.shape.length < 2 || b.shape.length < 2)
    fail([a], `${op} needs matrices, got ${formatShape(a.shape)} and ${formatShape(b.shape)}`);
  if (!mayMatch(a.shape.at(-1)!, inner))
    fail(
      [a],
      `${op} cannot multiply "${a.name}" ${formatShape(a.shape)} by "${b.name}" ${formatShape(b.shape)}`,
    );
  const [leadA, leadB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const rank = Math.max(leadA.length, leadB.length);
  const lead = Array.from({ length: rank }, (_, i): Dim => {
    const [p, q] = [leadA[i - rank + leadA.length] ?? 1, leadB[i - rank + leadB.length] ?? 1];
    if (typeof p === "number" && typeof q === "number" && p !== q && p !== 1 && q !== 1)
      fail([a], `${op} cannot broadcast ${formatShape(a.shape)} with ${formatShape(b.shape)}`);
    return p === 1 ? q : p;
  });
  return [...lead, a.shape.at(-2)!, outer];
}
