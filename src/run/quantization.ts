import { UserError } from "../errors.js";
import type { QuantizedLinears } from "../models/index.js";
import type { Dtype, Ep } from "./plan.js";

/** Elements of a row that share a scale. */
export const QUANT_BLOCKS = [32, 128] as const;
export type QuantBlock = (typeof QUANT_BLOCKS)[number];

/**
 * What the CPU's products with quantised weights compute in. `int8`, the default, rounds each block of the activations to 8
 * bits too (MatMulNBits' accuracy level 4). `float` computes in float32 (level 0) and so gives what the dequantised weights
 * would. One token times a matrix of 896 by 4864 on one thread of an EPYC (ONNX Runtime 1.29): 0.08 ms in int8, 0.30 ms in
 * float for int4, as float32 weights take, and 14 ms for int8, of which it dequantises all every time. A GPU computes in
 * float16.
 */
export const QUANT_COMPUTE = ["float", "int8"] as const;
export type QuantCompute = (typeof QUANT_COMPUTE)[number];

interface Wanted {
  readonly quantBlock?: number | undefined;
  readonly quantCompute?: string | undefined;
}

/** Throws UserError where settings of quantised weights are given for types that have none. */
export function assertQuantized(dtypes: readonly Dtype[], { quantBlock, quantCompute }: Wanted): void {
  const given = quantBlock ?? quantCompute;
  if (given === undefined || dtypes.some(isQuantized)) return;
  throw new UserError(
    `${quantBlock === undefined ? "quantCompute" : "quantBlock"} is ${given}, but ${dtypes.join(" and ")} weights are not quantised; add --dtype int4 or int8`,
  );
}

const isQuantized = (dtype: Dtype): boolean => dtype === "int8" || dtype === "int4";

/** How the weights of a dtype are quantised; null where they are not. */
export function quantizationOf(ep: Ep, dtype: Dtype, wanted: Wanted): QuantizedLinears | null {
  if (!isQuantized(dtype)) return null;
  const block = QUANT_BLOCKS.find((size) => size === (wanted.quantBlock ?? 32));
  if (block === undefined)
    throw new UserError(`the block of a quantised weight is ${wanted.quantBlock}; it must be 32 or 128`);
  const compute = wanted.quantCompute;
  if (compute !== undefined && !(QUANT_COMPUTE as readonly string[]).includes(compute))
    throw new UserError(`what quantised products compute in is "${compute}"; it must be "float" or "int8"`);
  if (ep === "cuda" && compute === "int8")
    throw new UserError("quantised products compute in int8 on the CPU only; leave --quant-compute out");
  return { bits: dtype === "int8" ? 8 : 4, block, int8Compute: ep === "cpu" && compute !== "float" };
}
