import type { Setting } from "./setting.js";

/** Errors that a setting may have, relative to the largest |logit| that the reference gives at that position. */
export interface Tolerance {
  /** Of the worst logit of any position. */
  readonly max: number;
  /** Of the mean over the logits of the worst position. */
  readonly mean: number;
}

/**
 * Found with RandomWeights(1), 130 prompt tokens and 15 to 30 decoded ones, against float32 on the CPU (largest of
 * GPT-Neo-125M, Qwen2.5-0.5B, Mamba-130m and Mamba2-130m, which is Mamba2-130m's):
 *
 * | what | max | mean |
 * | --- | --- | --- |
 * | float32, another lowering | 3.8e-6 | 7.0e-7 |
 * | float16 on the CPU | 4.8e-3 | 8.5e-4 |
 * | float32 with weights rounded to float16 | 4.8e-3 | 8.3e-4 |
 * | float32 with weights rounded to bfloat16 | 4.8e-2 | 7.2e-3 |
 * | int4 in float32, against its own weights dequantised | 7.7e-6 | 1.3e-6 |
 * | int4 or int8 in int8, likewise | 1.0e-1 | 1.9e-2 |
 * | float32 with weights rounded to int4 | 9.3e-1 | 1.7e-1 |
 *
 * So nearly all of the error is the rounding of the weights, which no kernel can help. float16 may have 6 times of what
 * was found: kernels that also add in float16, models of twice the depth. bfloat16 has 3 bits less: 3 times, as rounding
 * of activations comes on top, and more would let a wrong layer through. float32 may have what another order of sums
 * makes in several times the depth; products rounded to TF32 (10 bits, as float16) do not pass as float32. Products in int8
 * may have 3 times of what was found.
 */
export const TOLERANCES = {
  fp32: { max: 1e-3, mean: 1e-4 },
  fp16: { max: 3e-2, mean: 5e-3 },
  bf16: { max: 1.5e-1, mean: 2.5e-2 },
  int8Compute: { max: 3e-1, mean: 5e-2 },
} as const satisfies Record<string, Tolerance>;

/**
 * What a setting may be off by. float32 whose products may round to TF32, as ONNX Runtime's may unless it is told not to,
 * is judged as what it is. The reference of quantised weights has the same weights, dequantised: what is left is the
 * rounding of everything else, to float16 on a GPU; to 8 bits in products that compute in int8; nothing in float32.
 */
export function toleranceOf({ dtype, quant, cuda }: Pick<Setting, "dtype" | "quant" | "cuda">): Tolerance {
  if (quant?.int8Compute) return TOLERANCES.int8Compute;
  if (dtype === "int8" || dtype === "int4") return cuda === null ? TOLERANCES.fp32 : TOLERANCES.fp16;
  return dtype === "fp32" && cuda !== null && cuda.tf32 !== false ? TOLERANCES.fp16 : TOLERANCES[dtype];
}
