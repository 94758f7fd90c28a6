import type { FloatType } from "../graph/index.js";
import { SSD_CHUNK, type BuildOptions } from "../models/index.js";
import type { Cell, Dtype } from "./plan.js";

const FLOAT_TYPE = {
  fp32: "float32",
  fp16: "float16",
  bf16: "bfloat16",
} as const satisfies Partial<Record<Dtype, FloatType>>;

/** The type of activations, caches, and weights that are not quantised. */
export const activationType = ({ ep, dtype }: Pick<Cell, "ep" | "dtype">): FloatType =>
  FLOAT_TYPE[dtype === "int8" || dtype === "int4" ? (ep === "cpu" ? "fp32" : "fp16") : dtype];

export type Phase = "prefill" | "decode";

/** What prompts of these lengths are multiples of, as far as a graph is built for it: whole SSD chunks, or nothing. */
export function tokensMultipleOf(lengths: readonly number[]): number {
  return lengths.every((length) => length % SSD_CHUNK === 0) ? SSD_CHUNK : 1;
}

/** How a setting's graph of each phase is built. */
export function graphOptions(
  {
    ep,
    dtype,
    quant,
    lowering,
    decodeLowering,
    fusedProducts,
  }: Pick<Cell, "ep" | "dtype" | "quant" | "lowering" | "decodeLowering" | "fusedProducts">,
  phase: Phase,
  rest: Pick<BuildOptions, "logits" | "positions" | "tokensMultipleOf">,
): BuildOptions {
  const prefill = phase === "prefill";
  return {
    dtype: activationType({ ep, dtype }),
    lowering: (prefill ? lowering : decodeLowering) ?? "linear-attention",
    separateProducts: prefill && ep === "cuda",
    oneToken: !prefill,
    fusedProducts: !prefill && fusedProducts === true,
    ...(quant && { quantized: quant }),
    ...rest,
  };
}
