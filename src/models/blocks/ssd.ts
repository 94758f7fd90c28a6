import { ops, type Value } from "../../graph/index.js";

/** Length of a chunk of `ssdMatmul`: changes cost, never the result. Prompts of whole chunks need no padding. */
export const SSD_CHUNK = 64;

/** e to this is finite in float16, and far above any Δ, which it bounds below the diagonal. */
const LARGEST_EXPONENT = 11;

/** Elements of 16 bits in the 16 bytes that CUDA's fast products load at a time. */
const ALIGNED = 8;

/** A head-wise state-space recurrence: S_t = exp(g_t) S_{t−1} + Δ_t b_t ⊗ x_t, y_t = c_t S_t + D x_t. */
export interface SsdInputs {
  /** [batch, tokens, heads · headDim]. */
  readonly x: Value;
  /** Δ ≥ 0, float32 [batch, tokens, heads]. */
  readonly step: Value;
  /** g = Δ A ≤ 0, float32 [batch, tokens, heads]. */
  readonly logDecay: Value;
  /** Input and output directions of each group, [batch, tokens, groups · state]. */
  readonly b: Value;
  readonly c: Value;
  /** D, [groups, heads / groups, 1]. */
  readonly skip: Value;
  /** [batch, heads, state, headDim]. */
  readonly past: Value;
}

export interface SsdShape {
  readonly heads: number;
  readonly headDim: number;
  readonly groups: number;
  readonly state: number;
  /** What every prompt's number of tokens is a multiple of. */
  readonly tokensMultipleOf: number;
}

interface SsdResult {
  /** [batch, tokens, heads · headDim]. */
  readonly output: Value;
  readonly present: Value;
}

/** The recurrence token by token, in one kernel: cheap to start, sequential in the prompt. */
export function ssdLinearAttention(
  { x, step, logDecay, b, c, skip, past }: SsdInputs,
  { heads, headDim, groups }: SsdShape,
): SsdResult {
  const { dtype } = x;
  const inner = heads * headDim;
  const byHead = (values: Value, width: number): Value =>
    ops.reshape(values, [0, 0, groups, heads / groups, width]);
  const inputs = byHead(x, headDim);
  const v = ops.reshape(ops.mul(inputs, byHead(ops.cast(step, dtype), 1)), [0, 0, inner]);
  const { output, present } = ops.linearAttention(
    { q: c, k: b, v, past, logDecay: ops.cast(logDecay, dtype) },
    { heads, groups },
  );
  const y = ops.add(byHead(output, headDim), ops.mul(inputs, skip));
  return { output: ops.reshape(y, [0, 0, inner]), present };
}

/**
 * The same recurrence as batched matrix products over chunks (state-space duality, Dao & Gu, arXiv 2405.21060):
 * inside a chunk a masked attention; one state a chunk; the states combined by a triangular product; and carried in.
 * Products over states take all heads of a group side by side, as they share its directions: one large product a chunk
 * instead of one small product a head. Δ goes into the exponent, exp(s_i − s_j + log Δ_j), where it costs nothing.
 * A prompt that may not fill its last chunk is padded with x = 0 and g = 0, which neither adds nor decays.
 *
 * Axes: B batch, K chunks, Q positions of a chunk, G groups, R heads of a group, H = G·R, N state, P headDim.
 */
export function ssdMatmul(
  { x, step, logDecay, b, c, skip, past }: SsdInputs,
  { heads, headDim, groups, state, tokensMultipleOf }: SsdShape,
): SsdResult {
  const { graph, dtype } = x;
  const perGroup = heads / groups;
  const decayOf = (exponent: Value): Value => ops.cast(ops.exp(exponent), dtype);

  const padded = tokensMultipleOf % SSD_CHUNK !== 0;
  const tokens = ops.dimension(x, 1);
  const chunk = graph.constant("int64", [1], [SSD_CHUNK]);
  const missing = ops.mod(ops.sub(chunk, ops.mod(tokens, chunk)), chunk);
  const chunked = (values: Value, ...dims: number[]): Value =>
    ops.reshape(padded ? ops.padEnd(values, 1, missing, "padded") : values, [
      0,
      "chunks",
      SSD_CHUNK,
      ...dims,
    ]);

  const inputs = chunked(x, groups, perGroup, headDim); // B K Q G R P
  const keys = ops.transpose(chunked(b, groups, state), [0, 1, 3, 4, 2]); // B K G N Q
  const queries = ops.transpose(chunked(c, groups, state), [0, 1, 3, 2, 4]); // B K G Q N
  const sums = ops.cumsum(chunked(logDecay, groups, perGroup), 2); // s, B K Q G R
  const source = ops.sub(sums, ops.log(chunked(step, groups, perGroup))); // s − log Δ
  const byHead = (values: Value): Value => ops.transpose(values, [0, 1, 3, 4, 2]); // B K G R Q

  const inside = graph.scope("inside", () => {
    const between = ops.sub(ops.unsqueeze(byHead(sums), -1), ops.unsqueeze(byHead(source), -2)); // B K G R Q Q
    // Above the diagonal the exponent has no bound, and there the scores are 0: it only has to stay finite. Everything
    // that is this large is computed in the model's type.
    const bound = ops.cast(graph.constant("float32", [1], [LARGEST_EXPONENT]), dtype);
    const decay = ops.exp(ops.min(ops.cast(between, dtype), bound));
    const scores = ops.unsqueeze(ops.lowerTriangle(ops.matmul(queries, keys)), 3); // B K G 1 Q Q
    const weights = ops.mul(decay, scores);
    const output = ops.matmul(weights, ops.transpose(inputs, [0, 1, 3, 4, 2, 5])); // B K G R Q P
    return ops.transpose(output, [0, 1, 4, 2, 3, 5]);
  });

  const total = ops.slice(sums, 2, SSD_CHUNK - 1, SSD_CHUNK, 1); // B K 1 G R
  const states = graph.scope("states", () => {
    const left = ops.unsqueeze(decayOf(ops.sub(total, source)), -1);
    const weighted = sideBySide(ops.mul(inputs, left), groups, perGroup * headDim);
    return ops.reshape(ops.matmul(keys, weighted), [0, 0, 0, 0, perGroup, headDim]); // B K G N R P
  });

  const flat = state * headDim;
  const { carried, present } = graph.scope("carry", () => {
    const totals = ops.transpose(ops.reshape(total, [0, 0, heads]), [0, 2, 1]); // B H K
    const upTo = ops.cumsum(totals, -1);
    const before = ops.sub(upTo, totals);
    const between = ops.sub(ops.unsqueeze(before, -1), ops.unsqueeze(upTo, -2)); // B H K K
    const rows = ops.reshape(ops.transpose(states, [0, 2, 4, 1, 3, 5]), [0, heads, "chunks", flat]);
    // The past is one more state, after the chunks' own: products of whole rows of 16 bytes are three times as fast.
    const none = graph.constant("int64", [1], [ALIGNED - 1]);
    const fromPast = ops.padEnd(ops.unsqueeze(decayOf(before), -1), 3, none, ALIGNED);
    const mixing = ops.concat([ops.lowerTriangle(decayOf(between), -1), fromPast], 3, "states");
    const pastRows = ops.padEnd(ops.reshape(past, [0, 0, 1, flat]), 2, none, ALIGNED);
    const entering = ops.matmul(mixing, ops.concat([rows, pastRows], 2, "states")); // state before each chunk, B H K NP
    const final = (t: Value): Value => ops.slice(t, 2, -1, Number.MAX_SAFE_INTEGER, 1);
    const last = ops.unsqueeze(decayOf(final(totals)), -1); // B H 1 1
    const leaving = ops.add(ops.mul(final(entering), last), final(rows));
    const byChunk = ops.reshape(entering, [0, groups, perGroup, "chunks", state, headDim]);
    return {
      carried: ops.reshape(ops.transpose(byChunk, [0, 3, 1, 4, 2, 5]), [0, 0, 0, 0, perGroup * headDim]), // B K G N RP
      present: ops.reshape(leaving, [0, 0, state, headDim]),
    };
  });

  const brought = apart(ops.matmul(queries, carried), groups, perGroup, headDim); // B K Q G R P
  const fromStates = ops.mul(brought, ops.unsqueeze(decayOf(sums), -1));
  const direct = ops.mul(inputs, skip);
  const y = ops.reshape(ops.add(ops.add(inside, fromStates), direct), [0, "padded", heads * headDim]);
  return { output: padded ? ops.slice(y, 1, 0, tokens, x.shape[1]!) : y, present };
}

/** B K Q G R P as B K G Q RP; with one group the same memory. */
function sideBySide(values: Value, groups: number, width: number): Value {
  if (groups === 1) return ops.reshape(values, [0, 0, 1, SSD_CHUNK, width]);
  return ops.reshape(ops.transpose(values, [0, 1, 3, 2, 4, 5]), [0, 0, 0, 0, width]);
}

/** B K G Q RP as B K Q G R P. */
function apart(values: Value, groups: number, perGroup: number, headDim: number): Value {
  if (groups === 1) return ops.reshape(values, [0, 0, SSD_CHUNK, 1, perGroup, headDim]);
  return ops.transpose(ops.reshape(values, [0, 0, 0, 0, perGroup, headDim]), [0, 1, 3, 2, 4, 5]);
}
