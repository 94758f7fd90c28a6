import { ops, type FloatType, type Value } from "../../graph/index.js";

/**
 * Adds `delta` to a residual stream, which may be kept in float32 (residual_in_fp32 of the Mamba configs), and norms the
 * sum, which goes into the block as `dtype`. Without a delta the stream is only normed.
 */
export function residualNorm(
  stream: Value,
  delta: Value | undefined,
  weight: Value,
  eps: number,
  dtype: FloatType,
): { normed: Value; sum: Value } {
  if (!delta) return { sum: stream, normed: ops.cast(ops.rmsNorm(stream, weight, eps), dtype) };
  const { sum, normed } = ops.skipRmsNorm(stream, ops.cast(delta, stream.dtype), weight, eps);
  return { sum, normed: ops.cast(normed, dtype) };
}
