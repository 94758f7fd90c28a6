import { ops, type Value } from "../../graph/index.js";
import type { BuildOptions } from "../decoder.js";

/**
 * Adds `delta` to a residual stream, which may be kept in float32 (residual_in_fp32 of the Mamba configs), and norms the
 * sum, which goes into the block in the type of the activations. Without a delta the stream is only normed.
 */
export function residualNorm(
  stream: Value,
  delta: Value | undefined,
  weight: Value,
  eps: number,
  { dtype, lowering }: Pick<BuildOptions, "dtype" | "lowering">,
): { normed: Value; sum: Value } {
  if (!delta) return { sum: stream, normed: ops.cast(ops.rmsNorm(stream, weight, eps), dtype) };
  // ONNX Runtime's own norms a sum of one type only: casts before and after it would move more than it does.
  if (lowering === "fused" && stream.dtype !== dtype) return ops.residualNorm(delta, stream, weight, eps);
  const { sum, normed } = ops.skipRmsNorm(stream, ops.cast(delta, stream.dtype), weight, eps);
  return { sum, normed: ops.cast(normed, dtype) };
}
