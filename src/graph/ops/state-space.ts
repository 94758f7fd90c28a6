import { type Value } from "../builder.js";
import { needShape, sameType } from "./check.js";

/**
 * Causal depthwise convolution over time with carried state, then SiLU (com.microsoft CausalConvWithState).
 * x [batch, channels, tokens], weight [channels, 1, width], bias [channels], past [batch, channels, width − 1]:
 * the last columns of the convolution's input, oldest first.
 */
export function causalConv(
  x: Value,
  weight: Value,
  bias: Value,
  past: Value,
): { output: Value; present: Value } {
  const op = "CausalConvWithState";
  sameType(op, x, weight, bias, past);
  const channels = x.shape[1]!;
  needShape(op, "a weight", weight, [channels, 1, "width"]);
  needShape(op, "a past state", past, ["batch", channels, Number(weight.shape[2]) - 1]);
  const [output, present] = x.graph.node(op, [x, weight, bias, past], [x, past], {
    domain: "com.microsoft",
    attributes: { ndim: 1, activation: "silu" },
  });
  return { output: output!, present: present! };
}

/**
 * The gated linear recurrence S_t = exp(g_t) S_{t−1} + k_t ⊗ v_t, y_t = q_t S_t (com.microsoft LinearAttention,
 * rule "gated"). Query and key heads are groups: value head i uses group floor(i / (heads / groups)).
 * q, k [batch, tokens, groups · keyDim]; v [batch, tokens, heads · valueDim]; logDecay g [batch, tokens, heads] (one a head) or
 * [batch, tokens, heads · keyDim]; past [batch, heads, keyDim, valueDim].
 */
export function linearAttention(
  { q, k, v, past, logDecay }: { q: Value; k: Value; v: Value; past: Value; logDecay: Value },
  { heads, groups }: { heads: number; groups: number },
): { output: Value; present: Value } {
  const op = "LinearAttention";
  sameType(op, q, k, v, past, logDecay);
  needShape(op, "a key", k, q.shape);
  needShape(op, "a past state", past, [
    "batch",
    heads,
    Number(q.shape[2]) / groups,
    Number(v.shape[2]) / heads,
  ]);
  const [output, present] = q.graph.node(op, [q, k, v, past, logDecay], [v, past], {
    domain: "com.microsoft",
    attributes: { q_num_heads: groups, kv_num_heads: heads, update_rule: "gated", scale: { float: 1 } },
  });
  return { output: output!, present: present! };
}
