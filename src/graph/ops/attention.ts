import { type Value } from "../builder.js";
import { needRank, needShape, needType, sameType } from "./check.js";

export interface AttentionInputs {
  /** Query, key and value heads side by side, [batch, tokens, (heads + 2 kvHeads) · headDim]. */
  readonly qkv: Value;
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
  { qkv, pastKey, pastValue, lastPosition, totalTokens, rotary }: AttentionInputs,
  { heads, kvHeads, headDim, scale, window }: AttentionOptions,
): { output: Value; presentKey: Value; presentValue: Value } {
  const op = "GroupQueryAttention";
  sameType(op, qkv, pastKey, pastValue);
  needShape(op, "packed heads", qkv, ["batch", "tokens", (heads + 2 * kvHeads) * headDim]);
  needRank(op, pastKey, 4);
  needShape(op, "a key cache", pastKey, ["batch", kvHeads, "capacity", headDim]);
  needType(op, lastPosition, "int32");
  needType(op, totalTokens, "int32");
  const [output, presentKey, presentValue] = qkv.graph.node(
    op,
    [
      qkv,
      null,
      null,
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
