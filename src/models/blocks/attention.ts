import { ops, type Value } from "../../graph/index.js";
import type { Decoder } from "../decoder.js";
import { rotation, type RopeScaling } from "./rotary.js";

export interface AttentionShape {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly scale: number;
  readonly window?: number;
}

/** Causal attention of packed heads [batch, tokens, (heads + 2 kvHeads) · headDim] over the layer's cache. */
export function attention(
  model: Decoder,
  layer: number,
  qkv: Value,
  shape: AttentionShape,
  rotary?: { cos: Value; sin: Value },
): Value {
  const key = model.cache("key", layer, [shape.kvHeads, shape.headDim]);
  const value = model.cache("value", layer, [shape.kvHeads, shape.headDim]);
  const { last, total } = model.position;
  const { output, presentKey, presentValue } = ops.groupQueryAttention(
    {
      qkv,
      pastKey: key.past,
      pastValue: value.past,
      lastPosition: last,
      totalTokens: total,
      ...(rotary && { rotary }),
    },
    shape,
  );
  key.carry(presentKey);
  value.carry(presentValue);
  return output;
}

export interface WideValueShape extends Omit<AttentionShape, "window"> {
  /** Channels of a value, a multiple of `headDim`. */
  readonly valueDim: number;
}

/**
 * The same of separate heads [batch, tokens, heads · dim] whose values have more channels than their keys, which
 * GroupQueryAttention does not take: it runs once for every `headDim` channels of the values, over the same keys. Each run
 * writes those to the one cache, so what is held is what the architecture has; scores are computed again each time. Padded
 * keys would cost as much and make the cache larger.
 */
export function wideValueAttention(
  model: Decoder,
  layer: number,
  { query, key, value }: { query: Value; key: Value; value: Value },
  shape: WideValueShape,
  rotary: { cos: Value; sin: Value },
): Value {
  const { heads, kvHeads, headDim, valueDim } = shape;
  const { last, total } = model.position;
  const keys = model.cache("key", layer, [kvHeads, headDim]);
  const sizes = Array<number>(valueDim / headDim).fill(headDim);
  const slices = ops.split(ops.reshape(value, [0, 0, kvHeads, valueDim]), sizes);
  const heard = slices.map((slice, i) => {
    const values = model.cache("value", layer, [kvHeads, headDim], { part: `.${i}` });
    const { output, presentKey, presentValue } = ops.groupQueryAttention(
      {
        qkv: query,
        kv: { key, value: ops.reshape(slice, [0, 0, kvHeads * headDim]) },
        pastKey: keys.past,
        pastValue: values.past,
        lastPosition: last,
        totalTokens: total,
        rotary,
      },
      shape,
    );
    keys.carry(presentKey);
    values.carry(presentValue);
    return ops.reshape(output, [0, 0, heads, headDim]);
  });
  return ops.reshape(ops.concat(heard, -1), [0, 0, heads * valueDim]);
}

/** cos and sin of position · frequency, [positions, headDim / 2] each; the angles need more than 16 bits. */
export function rotaryTables(
  model: Decoder,
  theta: number,
  headDim: number,
  scaling?: RopeScaling | null,
): { cos: Value; sin: Value } {
  const { positions } = model.options;
  const { frequencies, magnitude } = rotation(theta, headDim, positions, scaling);
  const half = frequencies.length;
  const fill = (f: (angle: number) => number) => (): Float32Array => {
    const out = new Float32Array(positions * half);
    for (let p = 0; p < positions; p++)
      for (let i = 0; i < half; i++) out[p * half + i] = magnitude * f(p * frequencies[i]!);
    return out;
  };
  const shape = [positions, half];
  return {
    cos: model.table("rotary.cos", shape, fill(Math.cos)),
    sin: model.table("rotary.sin", shape, fill(Math.sin)),
  };
}
