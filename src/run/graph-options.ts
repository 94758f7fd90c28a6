import type { FloatType } from "../graph/index.js";
import type { BuildOptions } from "../models/index.js";
import type { Cell, Dtype } from "./plan.js";

export const FLOAT_TYPE: Record<Dtype, FloatType> = { fp32: "float32", fp16: "float16", bf16: "bfloat16" };

export type Phase = "prefill" | "decode";

/** How a setting's graph of each phase is built. */
export function graphOptions(
  { ep, dtype, lowering, decodeLowering }: Pick<Cell, "ep" | "dtype" | "lowering" | "decodeLowering">,
  phase: Phase,
  rest: Pick<BuildOptions, "logits" | "positions" | "tokensMultipleOf">,
): BuildOptions {
  const prefill = phase === "prefill";
  return {
    dtype: FLOAT_TYPE[dtype],
    lowering: (prefill ? lowering : decodeLowering) ?? "linear-attention",
    separateProducts: prefill && ep === "cuda",
    ...rest,
  };
}
