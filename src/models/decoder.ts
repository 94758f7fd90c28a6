import { Graph, ops, type DType, type FloatType, type Matrix, type Value } from "../graph/index.js";
import type { Init } from "./init.js";
import { storedTensors, type Quantization } from "./quantize.js";

/** How an SSM block is expressed in ONNX operators. */
export type Lowering = "linear-attention" | "ssd-matmul" | "fused";

/** How a graph is built; the type of its activations is all that is needed. */
export interface BuildOptions {
  readonly dtype: FloatType;
  /** Architectures without an SSM block ignore it. */
  readonly lowering: Lowering;
  /** Whose logits are computed: the last position's, or every position's (as the paper did). */
  readonly logits: "last" | "all";
  /** How many positions the tables of a rotary model must hold. */
  readonly positions: number;
  /** What the number of tokens of every run is a multiple of: a lowering in chunks need not pad then. 1: any number. */
  readonly tokensMultipleOf: number;
  /**
   * Whether a product whose parts go different ways is computed as several: splitting the result of a long prompt moves
   * more memory on a GPU than further launches cost. One token is the other way round, and a CPU packs weights a product.
   */
  readonly separateProducts: boolean;
  /** Whether every run has one token and follows a prompt. Default: no. */
  readonly oneToken?: boolean;
  /** Whether products with weights that are not quantised are those of our own operator, made for few tokens. Default: no. */
  readonly fusedProducts?: boolean;
  /** How the weights of linear layers are held and multiplied by. Default: in `dtype`, as all others are. */
  readonly quantized?: QuantizedLinears;
}

export interface QuantizedLinears extends Quantization {
  /** Whether the CPU computes with blocks of activations rounded to int8 (MatMulNBits' accuracy level 4). */
  readonly int8Compute: boolean;
}

/** A stored value, and where it is in its tensor, to what the graph holds there. */
export type Transform = (stored: number, index: number) => number;

/** One tensor of the published checkpoint, and how to make it up when there is none. */
export interface Part {
  readonly name: string;
  readonly shape: readonly number[];
  readonly init: Init;
  /** Other names under which a checkpoint may hold the same tensor: transformers' names of tied ones. */
  readonly aliases?: readonly string[];
  /** What the graph wants instead of the stored values, where it is not them: A = −exp(A_log). */
  readonly transform?: Transform;
}

/** How the graph holds a parameter, where it is not as the checkpoint does. */
export interface Held {
  /** float32 for what the architecture computes in float32 whatever the model's type. */
  readonly dtype?: FloatType;
  /** The same elements under another shape. */
  readonly shape?: readonly number[];
  readonly transform?: Transform;
}

/** One result of a product whose parts go different ways. */
export interface Output {
  readonly rows: number;
  /** Whether it is wanted as [batch, rows, tokens]. */
  readonly channelsFirst?: boolean;
}

/** Rows `from` up to (not including) `from` + the number of rows of the weight. */
export interface RowRange {
  readonly of: string;
  readonly ofShape: readonly number[];
  readonly from: number;
}

/**
 * A weight of the graph. A parameter is one or several tensors of the checkpoint, stacked along the first axis in
 * the order given (so that q, k and v are one product); a table is computed.
 */
export type WeightSpec =
  | {
      readonly role: "parameter";
      readonly name: string;
      readonly dtype: FloatType;
      readonly shape: readonly number[];
      readonly parts: readonly Part[];
      /** A matrix that is held as codes, and scales of type `dtype`: see `storedTensors`. */
      readonly quantized?: Quantization;
      /** The weight is these rows of a larger one, in whose memory it lies; `parts` make up all of that one. */
      readonly rows?: RowRange;
    }
  | {
      readonly role: "table";
      readonly name: string;
      readonly dtype: FloatType;
      readonly shape: readonly number[];
      /** Its values. */
      readonly fill: () => Float32Array;
    };

/** A weight with its shape, and what it is made of. */
export type ParameterSpec = WeightSpec & { role: "parameter" };

/** What a state of a model is. */
export type CacheRole = "key" | "value" | "conv" | "ssm";

/** State carried from one run to the next. */
export interface CacheSpec {
  readonly role: CacheRole;
  readonly past: string;
  readonly present: string;
  readonly dtype: DType;
  /** Further outputs of the same values, which are written to the memory of `present`. */
  readonly copies: readonly string[];
  /** Caches that grow are written in place; other states are read from one buffer and written to another. */
  readonly inPlace: boolean;
  /** Its shape for a batch and a capacity in tokens. */
  readonly shape: (batch: number, capacity: number) => number[];
}

interface CacheOptions {
  /** A key or value cache whose size does not grow with the sequence: a state like the others. */
  readonly bounded?: boolean;
  /** What tells several caches of one role and layer apart. */
  readonly part?: string;
  /** Default: the model's. */
  readonly dtype?: FloatType;
}

/** A decoder as ONNX: what to feed, what it needs, what it carries. */
export interface ModelGraph {
  readonly graph: Graph;
  readonly weights: readonly WeightSpec[];
  readonly caches: readonly CacheSpec[];
  /** Whether the graph takes `last_position` and `total_tokens` (models with attention or positions). */
  readonly positional: boolean;
}

/**
 * What every architecture shares: inputs, named parameters, caches, the head and the choice of the next token.
 *
 * Inputs: `input_ids` int64 [batch, tokens]; positional models also `last_position` int32 [batch] (index of the last
 * token, past ones counted) and `total_tokens` int32 scalar. Outputs: `logits`, `next_token` int64 [batch, 1] (greedy,
 * lowest index on ties) and, for positional models, `next_position` int32 [batch], so that decoding can feed itself on
 * the device.
 */
export class Decoder {
  readonly graph: Graph;
  readonly inputIds: Value;
  readonly #weights: WeightSpec[] = [];
  readonly #made = new Map<string, Matrix>();
  readonly #caches: CacheSpec[] = [];
  #position: { last: Value; total: Value } | undefined;

  constructor(
    name: string,
    readonly options: BuildOptions,
  ) {
    this.graph = new Graph(name);
    this.inputIds = this.graph.input("input_ids", "int64", ["batch", "tokens"]);
  }

  /** `last_position` and `total_tokens`, made inputs on first use. */
  get position(): { last: Value; total: Value } {
    this.#position ??= {
      last: this.graph.input("last_position", "int32", ["batch"]),
      total: this.graph.input("total_tokens", "int32", []),
    };
    return this.#position;
  }

  /**
   * A tensor of the checkpoint under its published name. Whatever can be done to it beforehand is done there (`held`),
   * not in the graph: ONNX Runtime cannot fold constants that a session is given.
   */
  parameter(name: string, shape: readonly number[], init: Init, held: Held = {}): Value {
    const { dtype = this.options.dtype, transform } = held;
    const part: Part = { name, shape, init, ...(transform && { transform }) };
    return this.#weight({ role: "parameter", name, dtype, shape: held.shape ?? shape, parts: [part] });
  }

  /**
   * The weight [out, in] of a linear layer: one that may be quantised. Embeddings are not, nor the head, which may be the
   * embedding and which bitsandbytes, GPTQ and AWQ leave alone too; nor Mamba-1's small x_proj and dt_proj, which make Δ
   * and whose rows may be no whole number of blocks.
   */
  matrix(name: string, shape: readonly number[], init: Init, held: Pick<Held, "transform"> = {}): Matrix {
    return this.stacked(name, [{ name, shape, init, ...held }]);
  }

  /** Matrices of the checkpoint as the weight of one linear layer, stacked along the rows. */
  stacked(name: string, parts: readonly Part[]): Matrix {
    return this.#matrix(this.#stack(name, parts));
  }

  /** Vectors of the checkpoint, biases or the weight of a norm, as one. */
  stackedVectors(name: string, parts: readonly Part[]): Value {
    return this.#weight(this.#stack(name, parts));
  }

  #stack(name: string, parts: readonly Part[]): ParameterSpec {
    const { dtype } = this.options;
    const rows = parts.reduce((sum, part) => sum + part.shape[0]!, 0);
    return { role: "parameter", name, dtype, shape: [rows, ...parts[0]!.shape.slice(1)], parts };
  }

  /** x Wᵀ (+ bias), W [out, in]. */
  linear(x: Value, weight: Matrix, bias?: Value): Value {
    return this.options.fusedProducts && !ops.isQuantized(weight)
      ? ops.fusedLinear(x, weight, bias)
      : ops.linear(x, weight, bias);
  }

  /**
   * x Wᵀ for weights stacked along their rows, as several results: a product and a split, or a product a result over
   * rows of the one weight.
   *
   * @param outputs what the rows are, from the first on; default: those of each part
   */
  products(
    x: Value,
    name: string,
    parts: readonly Part[],
    outputs: readonly Output[] = parts.map(({ shape }) => ({ rows: shape[0]! })),
  ): Value[] {
    if (outputs.length === 1) return [this.linear(x, this.stacked(name, parts))];
    if (!this.options.separateProducts) {
      const sizes = outputs.map(({ rows }) => rows);
      const results = ops.split(this.linear(x, this.stacked(name, parts)), sizes);
      return results.map((y, i) => (outputs[i]!.channelsFirst ? ops.transpose(y, [0, 2, 1]) : y));
    }
    const { dtype } = this.options;
    const width = parts[0]!.shape[1]!;
    const ofShape = [outputs.reduce((sum, { rows }) => sum + rows, 0), width];
    let from = 0;
    return outputs.map(({ rows: count, channelsFirst }) => {
      const rows = { of: name, ofShape, from };
      from += count;
      const part = `${name}[${rows.from}:${from}]`;
      const shape = [count, width];
      const weight = this.#matrix({ role: "parameter", name: part, dtype, shape, parts, rows });
      return channelsFirst ? ops.linearTransposed(x, weight) : this.linear(x, weight);
    });
  }

  /** A large constant that is computed, not learned. */
  table(name: string, shape: readonly number[], fill: () => Float32Array): Value {
    const { dtype } = this.options;
    return this.#weight({ role: "table", name, dtype, shape, fill });
  }

  #matrix(spec: ParameterSpec): Matrix {
    const { quantized } = this.options;
    if (!quantized) return this.#weight(spec);
    const { bits, block, int8Compute } = quantized;
    const held = { ...spec, quantized: { bits, block } };
    return this.#once(held, () => {
      const [packed, scales] = storedTensors(held).map(({ name, dtype, shape }) =>
        this.graph.weight(name, dtype, shape),
      ) as [Value, Value];
      return { packed, scales, width: spec.shape[1]!, bits, block, accuracyLevel: int8Compute ? 4 : 0 };
    });
  }

  #weight(spec: WeightSpec): Value {
    return this.#once(spec, () => this.graph.weight(spec.name, spec.dtype, spec.shape));
  }

  /** One weight for all who name it alike: blocks used several times are held once. */
  #once<T extends Matrix>(spec: WeightSpec, make: () => T): T {
    const key = [spec.name, spec.dtype, ...spec.shape].join(" ");
    const known = this.#made.get(key) as T | undefined;
    if (known) return known;
    const made = make();
    this.#weights.push(spec);
    this.#made.set(key, made);
    return made;
  }

  /**
   * Declares a state: returns its past value; call `carry` with the present one, and with every other result that is
   * the same and may be written to the same memory.
   *
   * @param dims of one sequence; key and value caches get the capacity after the first, unless they are bounded
   */
  cache(
    role: CacheRole,
    layer: number,
    dims: readonly number[],
    { bounded = false, part = "", dtype = this.options.dtype }: CacheOptions = {},
  ): { past: Value; carry: (present: Value) => void } {
    const keyValue = role === "key" || role === "value";
    const inPlace = keyValue && !bounded;
    const [past, present] = keyValue
      ? [`past_key_values.${layer}.${role}${part}`, `present.${layer}.${role}${part}`]
      : [`past_${role}.${layer}`, `present_${role}.${layer}`];
    const shape = (batch: number, capacity: number): number[] =>
      inPlace ? [batch, dims[0]!, capacity, ...dims.slice(1)] : [batch, ...dims];
    const copies: string[] = [];
    this.#caches.push({ role, past, present, copies, dtype, inPlace, shape });
    const symbolic = inPlace ? ["batch", dims[0]!, "capacity", ...dims.slice(1)] : ["batch", ...dims];
    let carried = false;
    return {
      past: this.graph.input(past, dtype, symbolic),
      carry: (value) => {
        if (carried) copies.push(`${present}.copy${copies.length}`);
        this.graph.output(carried ? copies.at(-1)! : present, value);
        carried = true;
      },
    };
  }

  /** Logits from the normed hidden states [batch, tokens, width], the next token, and the finished graph. */
  finish(hidden: Value, head: Value): ModelGraph {
    const { graph } = this;
    graph.scope("head", () => {
      const all = this.options.logits === "all" ? this.linear(hidden, head) : undefined;
      const last = all ? lastToken(all) : this.linear(lastToken(hidden), head);
      const token = graph.scope("sample", () => greedy(last));
      if (this.#position) graph.output("next_position", nextPosition(this.#position.last, token));
      graph.output("logits", all ?? last);
      graph.output("next_token", token);
    });
    return { graph, weights: this.#weights, caches: this.#caches, positional: this.#position !== undefined };
  }
}

/** The last token's row of [batch, tokens, width], as [batch, width]. */
export const lastToken = (values: Value): Value => ops.at(values, -1, 1);

/**
 * The index of the largest of [batch, vocabulary], as [batch, 1]. ArgMax would be the operator for it, but takes 2.5 ms
 * on CUDA for 151936 entries; reductions take microseconds.
 */
export function greedy(values: Value): Value {
  const { graph } = values;
  // CUDA has no reductions of bfloat16.
  const logits = values.dtype === "bfloat16" ? ops.cast(values, "float32") : values;
  const vocabulary = Number(logits.shape[1]);
  const index = ops.range(graph.constant("int64", [1], [vocabulary]), vocabulary);
  const isMax = ops.equal(logits, ops.reduceMax(logits, -1));
  const candidates = ops.where(isMax, index, graph.constant("int64", [1], [vocabulary]));
  return ops.reshape(ops.reduceMin(candidates, -1), [0, 1]);
}

/**
 * last + 1, made to wait for the token: the output may share memory with the input, which all layers still read.
 */
function nextPosition(last: Value, token: Value): Value {
  const { graph } = last;
  const zero = ops.cast(ops.mul(ops.reshape(token, [0]), graph.constant("int64", [1], [0])), "int32");
  return ops.add(ops.add(last, zero), graph.constant("int32", [1], [1]));
}
