import { ops, type Value } from "../../graph/index.js";
import type { Decoder } from "../decoder.js";

/** Which keys a query at position p sees: the first `sinks`, and those from p − `reach` on; never one after p. */
export interface SinkWindow {
  readonly sinks: number;
  readonly reach: number;
}

/**
 * What the layers of a graph share. Rows are those of a layer's past keys, first ones and newest `reach`, with the run's new
 * ones behind. Letters: Q queries of a block, T keys that a block may see: the first ones, then the others.
 */
export interface SinkView extends SinkWindow {
  /** Position of the run's first token, int64 [1]. */
  readonly start: Value;
  /** Rows that are the next run's past, int64 [sinks + reach]. */
  readonly kept: Value;
  /** 0, or HIDDEN where a query does not see a key. */
  readonly bias: Value;
  /** null in a step: its one query sees every row, and `bias` is [T]. */
  readonly blocks: {
    /** Q. */
    readonly size: number;
    /** Queries that the run lacks to whole blocks, int64 [1]. */
    readonly missing: Value;
    /** Rows of each block's keys, int64 [blocks, T]; `bias` is [blocks, 1, Q, T]. */
    readonly rows: Value;
  } | null;
}

/** Keys [batch, kvHeads, blocks, T, headDim] and values [.., valueDim]. */
export interface SeenKeys {
  readonly keys: Value;
  readonly values: Value;
}

interface SinkAttentionShape {
  readonly heads: number;
  readonly kvHeads: number;
  /** What scores are multiplied by. */
  readonly scale: number;
}

/** Added to the score of a key that is not seen: e to this is 0, and float16 holds it. */
const HIDDEN = -30000;

/**
 * Attention to the first keys and to a window, which no fused operator of ONNX Runtime has: the window of
 * GroupQueryAttention hides the first keys, and two attentions cannot be merged without the sums of their softmaxes. So it
 * is products and a softmax, exact, over blocks of queries: a block of Q gathers the first keys and the Q + reach others
 * that any of its queries sees. Memory is linear in the prompt; Q is a quarter of the window, so that the products do about
 * a fifth more than they must.
 *
 * A layer's cache is bounded by the window, and copied at every run rather than written in place. All sequences of a batch
 * have one length, and the first run has all of the first keys.
 */
export function sinkView(model: Decoder, window: SinkWindow): SinkView {
  return model.graph.scope("window", () => {
    // The first sequence stands for all of them.
    const last = ops.cast(ops.slice(model.position.last, 0, 0, 1, 1), "int64");
    return model.options.oneToken ? stepView(model, window, last) : promptView(model, window, last);
  });
}

/** Arithmetic sequences, int64 [sinks + others]: [first value, difference] over the first keys, and over the others. */
type Line = (first: readonly [number, number], others: readonly [number, number]) => Value;

const lineOf =
  ({ graph }: Decoder, sinks: number, others: number): Line =>
  (first, rest) => {
    const values = [
      ...Array.from({ length: sinks }, (_, j) => first[0] + j * first[1]),
      ...Array.from({ length: others }, (_, t) => rest[0] + t * rest[1]),
    ];
    return graph.constant("int64", [values.length], values);
  };

/** Rows of the window that no token has filled yet are hidden. */
function stepView(model: Decoder, window: SinkWindow, start: Value): SinkView {
  const { sinks, reach } = window;
  const filledFrom = lineOf(model, sinks, reach + 1)([0, 1], [sinks + reach, -1]);
  return {
    ...window,
    start,
    kept: lineOf(model, sinks, reach)([0, 1], [sinks + 1, 1]),
    bias: biasOf(model, ops.lessOrEqual(filledFrom, start)),
    blocks: null,
  };
}

function promptView(model: Decoder, window: SinkWindow, last: Value): SinkView {
  const { sinks, reach } = window;
  const size = Math.ceil(reach / 4);
  const int = (value: number): Value => model.graph.constant("int64", [1], [value]);

  // Tokens are counted on the device, by sums of ones: from a shape, the counts would come from the host.
  const ids = ops.slice(model.inputIds, 0, 0, 1, 1);
  const present = ops.cast(ops.equal(ids, ids), "float32");
  const missing = ops.mod(ops.sub(int(size), ops.mod(ops.dimension(ids, 1), int(size))), int(size));
  const padded = ops.padEnd(present, 1, missing, "padded");
  const count = ops.cumsum(ops.cast(ops.equal(padded, padded), "int64"), 1);
  const query = ops.sub(ops.reshape(count, ["blocks", size]), int(1)); // index in the run, [blocks, Q]
  const block = ops.slice(query, 1, 0, 1, 1); // of a block's first query, [blocks, 1]
  const before = ops.slice(ops.sumAfter(ops.cast(present, "int64"), 1), 1, 0, 1, 1);
  const tokens = ops.add(ops.reshape(before, [1]), int(1));
  const start = ops.sub(ops.add(last, int(1)), tokens);

  const line = lineOf(model, sinks, size + reach);
  const ofOthers = (value: Value): Value => ops.mul(value, line([0, 0], [1, 0]));
  // The first keys are new once, then past.
  const areNew = ops.mul(ops.cast(ops.equal(start, int(0)), "int64"), int(sinks + reach));
  const row = ops.add(line([0, 1], [sinks, 1]), ops.mul(areNew, line([1, 0], [0, 0])));
  const rows = ops.min(ops.add(row, ofOthers(block)), ops.add(tokens, int(sinks + reach - 1)));
  const cacheLine = lineOf(model, sinks, reach);
  const kept = ops.add(
    ops.add(cacheLine([0, 1], [sinks, 1]), ops.mul(areNew, cacheLine([1, 0], [0, 0]))),
    ops.mul(tokens, cacheLine([0, 0], [1, 0])),
  );

  const position = ops.add(line([0, 1], [-reach, 1]), ofOthers(ops.add(block, start))); // of a key, [blocks, T]
  // Among the others a first key is not seen again, nor a row from before the sequence.
  const filled = ops.lessOrEqual(line([0, 0], [sinks, 0]), position);
  const end = ops.add(position, line([Number.MAX_SAFE_INTEGER, 0], [reach, 0]));
  const at = ops.unsqueeze(ops.add(query, start), -1); // [blocks, Q, 1]
  const inReach = ops.and(
    ops.lessOrEqual(ops.unsqueeze(position, 1), at),
    ops.lessOrEqual(at, ops.unsqueeze(end, 1)),
  );
  const bias = biasOf(model, ops.and(inReach, ops.unsqueeze(filled, 1)));
  return { ...window, start, kept, bias: ops.unsqueeze(bias, 1), blocks: { size, missing, rows } };
}

function biasOf({ graph, options }: Decoder, visible: Value): Value {
  const value = (of: number): Value => ops.cast(graph.constant("float32", [1], [of]), options.dtype);
  return ops.where(visible, value(0), value(HIDDEN));
}

/**
 * Puts new keys and values [batch, tokens, kvHeads · dim] behind the layer's past ones, and gives what its queries see:
 * those of other layers too, where layers share them.
 */
export function rememberKeys(
  model: Decoder,
  { sinks, reach, kept, blocks }: SinkView,
  layer: number,
  added: { readonly key: Value; readonly value: Value },
  kvHeads: number,
): SeenKeys {
  const seen = (role: "key" | "value"): Value => {
    const dim = Number(added[role].shape[2]) / kvHeads;
    const cache = model.cache(role, layer, [kvHeads, sinks + reach, dim], { bounded: true });
    const heads = blocks
      ? ops.transpose(ops.reshape(added[role], [0, 0, kvHeads, dim]), [0, 2, 1, 3])
      : ops.reshape(added[role], [0, kvHeads, 1, dim]);
    const all = blocks
      ? ops.concat([cache.past, heads], 2, "keys")
      : behind(cache.past, heads, sinks + reach);
    cache.carry(ops.gather(all, kept, 2));
    return blocks ? ops.gather(all, blocks.rows, 2) : ops.unsqueeze(all, 2);
  };
  return { keys: seen("key"), values: seen("value") };
}

/**
 * `count` rows of axis 2 and one more, without Concat: for parts of different sizes ONNX Runtime's copies their addresses from
 * host memory that it then gives away, so a CUDA graph, which repeats the copy, reads those of the graph captured last.
 */
function behind(rows: Value, one: Value, count: number): Value {
  const { graph } = rows;
  const isNew = graph.constant("int64", [count + 1, 1], [...Array<number>(count).fill(0), 1]);
  const padded = ops.padEnd(rows, 2, graph.constant("int64", [1], [1]), count + 1);
  return ops.where(ops.equal(isNew, graph.constant("int64", [1], [1])), one, padded);
}

/**
 * Attention of queries [batch, tokens, heads · headDim] that the view describes, as [batch, tokens, heads · valueDim]. The
 * heads that share keys are rows of one product.
 */
export function sinkAttention(
  { bias, blocks }: SinkView,
  queries: Value,
  { keys, values }: SeenKeys,
  { heads, kvHeads, scale }: SinkAttentionShape,
): Value {
  const shared = heads / kvHeads;
  const headDim = Number(keys.shape[4]);
  const valueDim = Number(values.shape[4]);
  if (!blocks) {
    const rows = ops.reshape(queries, [0, kvHeads, 1, shared, headDim]);
    const weights = ops.softmax(ops.add(ops.matmulTransposed(rows, keys, scale), bias));
    return ops.reshape(ops.matmul(weights, values), [0, 1, heads * valueDim]);
  }
  const { size, missing } = blocks;
  const padded = ops.padEnd(queries, 1, missing, "padded");
  const apart = ops.reshape(padded, [0, "blocks", size, kvHeads, shared, headDim]);
  const rows = ops.reshape(ops.transpose(apart, [0, 3, 1, 4, 2, 5]), [0, 0, 0, shared * size, headDim]);
  const scores = ops.reshape(ops.matmulTransposed(rows, keys, scale), [0, 0, 0, shared, size, "seen"]);
  const weights = ops.reshape(ops.softmax(ops.add(scores, bias)), [0, 0, 0, shared * size, "seen"]);
  const heard = ops.reshape(ops.matmul(weights, values), [0, 0, 0, shared, size, valueDim]);
  const joined = ops.reshape(ops.transpose(heard, [0, 2, 4, 1, 3, 5]), [0, "padded", heads * valueDim]);
  return ops.slice(joined, 1, 0, ops.dimension(queries, 1), queries.shape[1]!);
}
