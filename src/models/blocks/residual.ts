import { ops, type Value } from "../../graph/index.js";

/**
 * Adds `delta` to a residual stream kept in float32 (residual_in_fp32 of the Mamba configs) and norms the sum.
 * Without a delta the stream is only normed. `weight` decides the type that goes on into the block.
 */
export function residualNorm(
  stream: Value,
  delta: Value | undefined,
  weight: Value,
  eps: number,
): { normed: Value; sum: Value } {
  if (weight.dtype === "float32" && delta) return ops.skipRmsNorm(stream, delta, weight, eps);
  const sum = delta ? ops.add(stream, ops.cast(delta, "float32")) : stream;
  return { sum, normed: ops.cast(ops.rmsNorm(sum, ops.cast(weight, "float32"), eps), weight.dtype) };
}
