import { ops, type Value } from "../../graph/index.js";
import type { Decoder } from "../decoder.js";

/** Which keys a query at position p sees: the first `sinks`, and those from p − `reach` on; never one after p. */
export interface SinkWindow {
  readonly sinks: number;
  readonly reach: number;
}

/** Keys [batch, kvHeads, blocks, seen, headDim] and values [.., valueDim], gathered for each block of queries. */
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
 * Causal attention to the first keys and a window, which no fused operator of ONNX Runtime has: GroupQueryAttention's window
 * hides the first keys, and two attentions cannot be merged without the sums of their softmaxes. Exact, in products and
 * a softmax over blocks of queries, so memory is linear in the prompt: a block of Q queries gathers the first keys and
 * the Q + reach others that one of its queries may see, and a bias hides what each does not. Q is a quarter of the
 * window, so that the products do about a fifth more than they must.
 *
 * A layer's cache is the first keys and the newest `reach` ones, [batch, kvHeads, sinks + reach, dim], whatever the length.
 * All sequences of a batch are of one length, and the first run has all of the first keys.
 *
 * Once a graph: what every layer's attention shares. Letters: Q queries of a block, T keys seen by a block.
 */
export class SinkAttention {
  readonly #model: Decoder;
  readonly #window: SinkWindow;
  readonly #block: number;
  /** Position of the run's first token, int64 [1]. */
  readonly start: Value;
  /** Queries that a run lacks to whole blocks, int64 [1]; undefined in a step. */
  readonly #missing: Value | undefined;
  /** Rows of the past and new keys that each block sees, int64 [blocks, T]; undefined in a step, which sees them all. */
  readonly #seen: Value | undefined;
  /** Rows of the past and new keys that are the next run's past, int64 [sinks + reach]. */
  readonly #kept: Value;
  /** 0, or HIDDEN, [blocks, 1, Q, T]. */
  readonly #bias: Value;

  constructor(model: Decoder, window: SinkWindow) {
    this.#model = model;
    this.#window = window;
    const { oneToken = false } = model.options;
    this.#block = oneToken ? 1 : Math.ceil(window.reach / 4);
    // The first sequence stands for all of them.
    const last = ops.cast(ops.slice(model.position.last, 0, 0, 1, 1), "int64");
    const made = model.graph.scope("window", () => (oneToken ? this.#step(last) : this.#prompt(last)));
    this.start = made.start;
    this.#missing = made.missing;
    this.#seen = made.seen;
    this.#kept = made.kept;
    this.#bias = made.bias;
  }

  /** Columns of T as int64 [T]: what `sink` gives for first key j, and `other` for the t-th of the others. */
  #columns(sink: (j: number) => number, other: (t: number) => number, others: number): Value {
    const { sinks } = this.#window;
    const values = Array.from({ length: sinks + others }, (_, i) => (i < sinks ? sink(i) : other(i - sinks)));
    return this.#model.graph.constant("int64", [values.length], values);
  }

  /** A step sees every row of its past, but those not filled yet, and itself. */
  #step(start: Value): Made {
    const { sinks, reach } = this.#window;
    const others = reach + 1;
    const notBefore = this.#columns(
      (j) => j,
      (t) => sinks + reach - t,
      others,
    );
    const bias = this.#biasOf(ops.lessOrEqual(notBefore, start));
    const kept = this.#columns(
      (j) => j,
      (t) => sinks + 1 + t,
      reach,
    );
    return {
      start,
      missing: undefined,
      seen: undefined,
      kept,
      bias: ops.reshape(bias, [1, 1, 1, sinks + others]),
    };
  }

  #prompt(last: Value): Made {
    const { sinks, reach } = this.#window;
    const { graph, inputIds } = this.#model;
    const block = this.#block;
    const int = (value: number): Value => graph.constant("int64", [1], [value]);
    const ones = (values: Value): Value => ops.cast(ops.equal(values, values), "int64");
    const ids = ops.slice(inputIds, 0, 0, 1, 1);
    const missing = ops.mod(ops.sub(int(block), ops.mod(ops.dimension(ids, 1), int(block))), int(block));

    // Counted on the device: from a shape, numbers would come from the host.
    const before = ops.reshape(ops.slice(ops.sumAfter(ones(ids), 1), 1, 0, 1, 1), [1]);
    const start = ops.sub(last, before);
    const count = ops.add(before, int(1));
    const whole = ops.cumsum(ones(ops.padEnd(ids, 1, missing, "padded")), 1);
    const index = ops.sub(ops.reshape(whole, ["blocks", block]), int(1)); // of a query in its run, [blocks, Q]
    const first = ops.slice(index, 1, 0, 1, 1); // of a block, [blocks, 1]

    const others = block + reach;
    const isOther = this.#columns(
      () => 0,
      () => 1,
      others,
    );
    const inOthers = (value: Value): Value => ops.mul(value, isOther); // [blocks, T]
    // The first keys are among the new ones once, then in the past.
    const atStart = ops.mul(ops.cast(ops.equal(start, int(0)), "int64"), int(sinks + reach));
    const inSinks = (columns: number): Value =>
      ops.mul(
        atStart,
        this.#columns(
          () => 1,
          () => 0,
          columns,
        ),
      );
    const rows = this.#columns(
      (j) => j,
      (t) => sinks + t,
      others,
    );
    const wanted = ops.add(ops.add(rows, inSinks(others)), inOthers(first));
    const seen = ops.min(wanted, ops.add(before, int(sinks + reach)));

    const positions = ops.add(
      this.#columns(
        (j) => j,
        (t) => t - reach,
        others,
      ),
      inOthers(ops.add(first, start)),
    ); // of the keys, [blocks, T]
    const filled = ops.lessOrEqual(
      this.#columns(
        () => 0,
        () => sinks,
        others,
      ),
      positions,
    );
    const key = ops.unsqueeze(positions, 1);
    const query = ops.unsqueeze(ops.add(index, start), -1);
    const end = this.#columns(
      () => Number.MAX_SAFE_INTEGER,
      () => reach,
      others,
    );
    const inReach = ops.and(ops.lessOrEqual(key, query), ops.lessOrEqual(query, ops.add(key, end)));
    const bias = this.#biasOf(ops.and(inReach, ops.unsqueeze(filled, 1)));

    const newest = this.#columns(
      () => 0,
      () => 1,
      reach,
    );
    const kept = ops.add(
      ops.add(
        this.#columns(
          (j) => j,
          (t) => sinks + t,
          reach,
        ),
        inSinks(reach),
      ),
      ops.mul(count, newest),
    );
    return { start, missing, seen, kept, bias: ops.unsqueeze(bias, 1) };
  }

  #biasOf(visible: Value): Value {
    const { graph, options } = this.#model;
    const value = (of: number): Value => ops.cast(graph.constant("float32", [1], [of]), options.dtype);
    return ops.where(visible, value(0), value(HIDDEN));
  }

  /** New keys [batch, tokens, kvHeads · headDim] and values behind the layer's past ones: what its queries see. */
  remember(layer: number, newKeys: Value, newValues: Value, kvHeads: number): SeenKeys {
    const { sinks, reach } = this.#window;
    const one = (role: "key" | "value", added: Value): Value => {
      const width = Number(added.shape[2]) / kvHeads;
      const cache = this.#model.cache(role, layer, [kvHeads, sinks + reach, width], { bounded: true });
      const heads = ops.transpose(ops.reshape(added, [0, 0, kvHeads, width]), [0, 2, 1, 3]);
      const all = ops.concat([cache.past, heads], 2, "keys");
      cache.carry(ops.gather(all, this.#kept, 2));
      return this.#seen ? ops.gather(all, this.#seen, 2) : ops.unsqueeze(all, 2);
    };
    return { keys: one("key", newKeys), values: one("value", newValues) };
  }

  /** Attention of queries [batch, tokens, heads · headDim], as [batch, tokens, heads · valueDim]. */
  attend(queries: Value, { keys, values }: SeenKeys, { heads, kvHeads, scale }: SinkAttentionShape): Value {
    const block = this.#block;
    const perGroup = heads / kvHeads;
    const headDim = Number(keys.shape[4]);
    const valueDim = Number(values.shape[4]);
    const padded = this.#missing ? ops.padEnd(queries, 1, this.#missing, "padded") : queries;
    const split = ops.reshape(padded, [0, "blocks", block, kvHeads, perGroup, headDim]);
    // The heads that share keys are rows of one product.
    const rows = ops.reshape(ops.transpose(split, [0, 3, 1, 4, 2, 5]), [0, 0, 0, perGroup * block, headDim]);
    const scores = ops.matmulTransposed(rows, keys, scale);
    const apart = ops.reshape(scores, [0, 0, 0, perGroup, block, "seen"]);
    const weights = ops.reshape(ops.softmax(ops.add(apart, this.#bias)), [0, 0, 0, perGroup * block, "seen"]);
    const heard = ops.reshape(ops.matmul(weights, values), [0, 0, 0, perGroup, block, valueDim]);
    const joined = ops.reshape(ops.transpose(heard, [0, 2, 4, 1, 3, 5]), [0, "padded", heads * valueDim]);
    if (!this.#missing) return joined;
    return ops.slice(joined, 1, 0, ops.dimension(queries, 1), queries.shape[1]!);
  }
}

interface Made {
  readonly start: Value;
  readonly missing: Value | undefined;
  readonly seen: Value | undefined;
  readonly kept: Value;
  readonly bias: Value;
}
