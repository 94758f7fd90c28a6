import type { Lowering, Model } from "../models/index.js";
import type { Dtype, Ep } from "./plan.js";

/** The types that a provider has kernels for, its default first; some models need some of them, see `unsupported`. */
export const DTYPES: Record<Ep, readonly Dtype[]> = {
  cpu: ["fp32", "fp16", "int8", "int4"],
  cuda: ["fp16", "fp32", "bf16", "int8", "int4"],
};

/**
 * Why a model cannot run in a type on a GPU, or null. ONNX Runtime 1.29 would leave the operator to the CPU, copy caches to
 * and fro and give wrong results, or refuse the graph in other words.
 */
export function unsupported(
  { name, family }: Model,
  ep: Ep,
  dtype: Dtype,
  lowering: Lowering | null,
): string | null {
  if (ep === "cpu") return null;
  if (dtype === "fp32" && family !== "ssm")
    return `${name} needs GroupQueryAttention, which CUDA has in float16 and bfloat16 only; use fp16${family === "hybrid" ? "" : " or bf16"}`;
  if (dtype === "bf16" && family !== "transformer" && lowering !== "fused")
    return `${name} needs CausalConvWithState, which CUDA has in float32 and float16 only; use fp16${family === "hybrid" ? "" : " or fp32"}, or the lowering fused`;
  return null;
}
