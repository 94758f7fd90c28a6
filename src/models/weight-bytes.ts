import { elements, TYPES, type FloatType } from "../graph/index.js";
import { storedTensors, type Quantization } from "./quantize.js";
import { buildModel, type Model } from "./registry.js";

interface Holding {
  readonly dtype: FloatType;
  readonly quantized?: Quantization | null;
}

/** A graph takes some milliseconds to build, and costs are asked for at many lengths. */
const known = new WeakMap<Model, Map<string, number>>();

/** Bytes of a model's parameters as its graphs hold them, scales of quantised ones included; tied ones counted once. */
export function weightBytes(model: Model, { dtype, quantized }: Holding): number {
  const key = `${dtype} ${quantized?.bits} ${quantized?.block}`;
  const sizes = known.get(model) ?? new Map<string, number>();
  known.set(model, sizes);
  const bytes = sizes.get(key) ?? bytesOf(model, { dtype, quantized: quantized ?? null });
  sizes.set(key, bytes);
  return bytes;
}

function bytesOf(model: Model, { dtype, quantized }: Holding): number {
  const { weights } = buildModel(model, {
    dtype,
    ...(quantized && { quantized: { ...quantized, int8Compute: false } }),
    lowering: "linear-attention",
    logits: "last",
    positions: 1,
    tokensMultipleOf: 1,
    separateProducts: false,
  });
  return weights
    .filter(({ role }) => role === "parameter")
    .flatMap(storedTensors)
    .reduce((sum, stored) => sum + elements(stored.shape) * TYPES[stored.dtype].bytes, 0);
}
