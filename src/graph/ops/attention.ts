import { type Value } from "../builder.js";
import { needRank, needShape, needType, sameType } from "./check.js";

/** What attention reads. */
export interface AttentionInputs {
  /** Query, key and value heads side by side, [batch, tokens, (heads + 2 kvHeads) · headDim]; queries alone beside `kv`. */
  readonly qkv: Value;
  /** Keys and values as tensors of their own, [batch, tokens, kvHeads · headDim] each. */
  readonly kv?: { readonly key: Value; readonly value: Value };
  /** [batch, kvHeads, capacity, headDim]; bound to the same memory as the present ones, they are updated in place. */
  readonly pastKey: Value;
  readonly pastValue: Value;
  /** Index of the last key of each sequence, past and new counted: int32 [batch]. */
  readonly lastPosition: Value;
  /** Past and new tokens: int32 scalar on the host. */
  readonly totalTokens: Value;
  /** cos and sin tables [positions, headDim / 2], where the model rotates queries and keys (half-rotate form). */
  readonly rotary?: { readonly cos: Value; readonly sin: Value };
}

/** Heads, scale and window of attention. */
export interface AttentionOptions {
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** What scores are multiplied by. */
  readonly scale: number;
  /** A query at position p sees keys p − window + 1 … p; without it all keys up to p. */
  readonly window?: number;
}

/** Causal attention with grouped key/value heads over a cache that is written in place (com.microsoft GroupQueryAttention). */
export function groupQueryAttention(
  { qkv, kv, pastKey, pastValue, lastPosition, totalTokens, rotary }: AttentionInputs,
  { heads, kvHeads, headDim, scale, window }: AttentionOptions,
): { output: Value; presentKey: Value; presentValue: Value } {
  const op = "GroupQueryAttention";
  sameType(op, qkv, pastKey, pastValue);
  needShape(op, "packed heads", qkv, ["batch", "tokens", (heads + (kv ? 0 : 2 * kvHeads)) * headDim]);
  for (const side of kv ? [kv.key, kv.value] : []) {
    sameType(op, qkv, side);
    needShape(op, "keys and values", side, ["batch", "tokens", kvHeads * headDim]);
  }
  needRank(op, pastKey, 4);
  needShape(op, "a key cache", pastKey, ["batch", kvHeads, "capacity", headDim]);
  needType(op, lastPosition, "int32");
  needType(op, totalTokens, "int32");
  const [output, presentKey, presentValue] = qkv.graph.node(
    op,
    [
      qkv,
      kv?.key ?? null,
      kv?.value ?? null,
      pastKey,
      pastValue,
      lastPosition,
      totalTokens,
      rotary?.cos ?? null,
      rotary?.sin ?? null,
    ],
    [
      { dtype: qkv.dtype, shape: [qkv.shape[0]!, qkv.shape[1]!, heads * headDim] },
      { dtype: pastKey.dtype, shape: pastKey.shape },
      { dtype: pastValue.dtype, shape: pastValue.shape },
    ],
    {
      domain: "com.microsoft",
      attributes: {
        num_heads: heads,
        kv_num_heads: kvHeads,
        scale: { float: scale },
        do_rotary: rotary ? 1 : 0,
        rotary_interleaved: 0,
        local_window_size: window ?? -1,
      },
    },
  );
  return { output: output!, presentKey: presentKey!, presentValue: presentValue! };
}

/**
 * Heads side by side [batch, tokens, heads · headDim] turned by their positions, half-rotate form
 * (com.microsoft RotaryEmbedding).
 *
 * @param start position of the first token, int64 [1]
 * @param rotary cos and sin tables [positions, headDim / 2]
 */
export function rotaryEmbedding(
  x: Value,
  start: Value,
  rotary: { readonly cos: Value; readonly sin: Value },
): Value {
  const op = "RotaryEmbedding";
  sameType(op, x, rotary.cos, rotary.sin);
  needRank(op, x, 3);
  needType(op, start, "int64");
  needShape(op, "a first position", start, [1]);
  return x.graph.node(op, [x, start, rotary.cos, rotary.sin], [x], {
    domain: "com.microsoft",
    attributes: { interleaved: 0 },
  })[0]!;
}
