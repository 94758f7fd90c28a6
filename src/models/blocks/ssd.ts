import { ops, type Value } from "../../graph/index.js";

/** Length of a chunk of `ssdMatmul`: changes cost, never the result. */
const CHUNK = 64;

/** A head-wise state-space recurrence: S_t = exp(g_t) S_{t−1} + b_t ⊗ v_t, y_t = c_t S_t. */
export interface SsdInputs {
  /** v = Δ x, [batch, tokens, heads · headDim]. */
  readonly v: Value;
  /** Input and output directions of each group, [batch, tokens, groups · state]. */
  readonly b: Value;
  readonly c: Value;
  /** g = Δ A ≤ 0, float32 [batch, tokens, heads]. */
  readonly logDecay: Value;
  /** [batch, heads, state, headDim]. */
  readonly past: Value;
}

export interface SsdShape {
  readonly heads: number;
  readonly headDim: number;
  readonly groups: number;
  readonly state: number;
}

interface SsdResult {
  /** [batch, tokens, heads · headDim]. */
  readonly output: Value;
  readonly present: Value;
}

/** The recurrence token by token, in one kernel: cheap to start, sequential in the prompt. */
export function ssdLinearAttention(
  { v, b, c, logDecay, past }: SsdInputs,
  { heads, groups }: SsdShape,
): SsdResult {
  return ops.linearAttention(
    { q: c, k: b, v, past, logDecay: ops.cast(logDecay, v.dtype) },
    { heads, groups },
  );
}

/**
 * The same recurrence as batched matrix products over chunks (state-space duality, Dao & Gu, arXiv 2405.21060):
 * inside a chunk a masked attention; one state a chunk; the states combined by a triangular product; and carried in.
 * A prompt that does not fill its last chunk is padded with Δ = 0, which neither adds nor decays.
 *
 * Axes: B batch, K chunks, Q positions of a chunk, G groups, R heads of a group, H = G·R, N state, P headDim.
 */
export function ssdMatmul(
  { v, b, c, logDecay, past }: SsdInputs,
  { heads, headDim, groups, state }: SsdShape,
): SsdResult {
  const { graph, dtype } = v;
  const perGroup = heads / groups;
  const zero = graph.constant("float32", [1], [0]);
  const clampedExp = (x: Value): Value => ops.cast(ops.exp(ops.min(x, zero)), dtype);

  const tokens = ops.dimension(v, 1);
  const chunk = graph.constant("int64", [1], [CHUNK]);
  const missing = ops.mod(ops.sub(chunk, ops.mod(tokens, chunk)), chunk);
  const chunked = (x: Value, dims: number[], perm: number[]): Value =>
    ops.transpose(ops.reshape(ops.padEnd(x, 1, missing, "padded"), [0, "chunks", CHUNK, ...dims]), perm);

  const x = chunked(v, [groups, perGroup, headDim], [0, 1, 3, 4, 2, 5]); // B K G R Q P
  const keys = chunked(b, [groups, 1, state], [0, 1, 3, 4, 5, 2]); // B K G 1 N Q
  const queries = chunked(c, [groups, 1, state], [0, 1, 3, 4, 2, 5]); // B K G 1 Q N
  const decay = ops.cumsum(chunked(logDecay, [groups, perGroup], [0, 1, 3, 4, 2]), -1); // B K G R Q

  const inside = graph.scope("inside", () => {
    const between = ops.sub(ops.unsqueeze(decay, -1), ops.unsqueeze(decay, -2)); // s_i − s_j
    const weights = ops.lowerTriangle(ops.matmul(queries, keys)); // B K G 1 Q Q
    return ops.matmul(ops.mul(clampedExp(between), weights), x);
  });

  const total = ops.slice(decay, -1, CHUNK - 1, CHUNK, 1); // B K G R 1
  const states = graph.scope("states", () => {
    const left = ops.unsqueeze(clampedExp(ops.sub(total, decay)), -1);
    return ops.matmul(keys, ops.mul(x, left)); // B K G R N P
  });

  const flat = state * headDim;
  const { carried, present } = graph.scope("carry", () => {
    const byHead = ops.transpose(ops.reshape(total, [0, 0, heads]), [0, 2, 1]); // B H K
    const upTo = ops.cumsum(byHead, -1);
    const before = ops.sub(upTo, byHead);
    const between = ops.sub(ops.unsqueeze(before, -1), ops.unsqueeze(upTo, -2)); // B H K K
    const mixing = ops.lowerTriangle(clampedExp(between), -1);
    const rows = ops.transpose(ops.reshape(states, [0, 0, heads, flat]), [0, 2, 1, 3]); // B H K NP
    const start = ops.reshape(past, [0, 0, 1, flat]);
    const fromStart = ops.mul(ops.unsqueeze(clampedExp(before), -1), start);
    const entering = ops.add(ops.matmul(mixing, rows), fromStart); // state before each chunk
    const final = (t: Value, axis: number): Value => ops.slice(t, axis, -1, Number.MAX_SAFE_INTEGER, 1);
    const last = ops.unsqueeze(clampedExp(final(byHead, 2)), -1); // B H 1 1
    const leaving = ops.add(ops.mul(final(entering, 2), last), final(rows, 2));
    return {
      carried: ops.reshape(ops.transpose(entering, [0, 2, 1, 3]), [0, 0, groups, perGroup, state, headDim]),
      present: ops.reshape(leaving, [0, 0, state, headDim]),
    };
  });

  const brought = ops.mul(ops.matmul(queries, carried), ops.unsqueeze(clampedExp(decay), -1)); // B K G R Q P
  const y = ops.transpose(ops.add(inside, brought), [0, 1, 4, 2, 3, 5]);
  const padded = ops.reshape(y, [0, "padded", heads * headDim]);
  return { output: ops.slice(padded, 1, 0, tokens, v.shape[1]!), present };
}
