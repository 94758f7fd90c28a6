import { encodeModel, type FloatType } from "../graph/index.js";
import { buildModel, type ModelGraph, type Phase } from "../models/index.js";
import type { Binding, PrepackedWeights, Runtime, Session, Tensor } from "../ort/index.js";
import type { Cell, Dtype } from "./plan.js";
import { other, States, type Side } from "./states.js";
import type { WeightStore } from "./weight-store.js";

const FLOAT_TYPE: Record<Dtype, FloatType> = { fp32: "float32", fp16: "float16" };

/** What all generators of one model share. */
export interface Shared {
  readonly runtime: Runtime;
  readonly weights: WeightStore;
  readonly prepacked: PrepackedWeights;
  /** Rows of position tables. */
  readonly positions: number;
  /** Whether to copy the last position's logits to the host at every step: for checks, not for timing. */
  readonly keepLogits?: boolean;
}

/** Positions that tables must hold so that all these cells can share one weight store. */
export const positionsFor = (cells: readonly Cell[]): number =>
  Math.max(...cells.map((cell) => cell.promptTokens + cell.newTokens));

/**
 * A model ready to generate with one cell's settings: a prefill and a decode session over shared weights, and the
 * state between them, which never leaves the device. Decoding feeds itself: each step writes the next token and
 * position where the next step reads them.
 */
export class Generator implements Disposable {
  readonly #cell: Cell;
  readonly #runtime: Runtime;
  readonly #owned: Disposable[] = [];
  readonly #positional: boolean;
  readonly #prefill: Session;
  readonly #decode: Session;
  readonly #states: States;
  readonly #tokens: BigInt64Array;
  readonly #tokenTensor: Tensor;
  readonly #position: Tensor;
  readonly #total = new Int32Array(1);
  readonly #logits: { host: Float32Array; tensor: Tensor } | undefined;
  /** Decode steps that read side 0 and side 1 of the states. */
  readonly #steps: readonly [Binding, Binding];
  #side: Side = 0;
  #length = 0;
  readonly #idleBytes: number;

  constructor(cell: Cell, shared: Shared) {
    this.#cell = cell;
    this.#runtime = shared.runtime;
    try {
      const graph = this.#graph("prefill", shared.positions);
      this.#positional = graph.positional;
      this.#prefill = this.#open(graph, shared);
      this.#decode = this.#open(this.#graph("decode", shared.positions), shared);
      const capacity = cell.promptTokens + cell.newTokens;
      this.#states = this.#own(new States(this.#runtime, this.#decode, graph.caches, cell.batch, capacity));
      this.#tokens = new BigInt64Array(cell.batch);
      this.#tokenTensor = this.#own(this.#runtime.tensor("int64", [cell.batch, 1], this.#tokens));
      this.#position = this.#own(this.#runtime.tensor("int32", [cell.batch], new Int32Array(cell.batch)));
      if (shared.keepLogits) this.#logits = this.#logitsBuffer();
      const total = this.#own(this.#runtime.tensor("int32", [], this.#total));
      const step = (from: Side): Binding => {
        const binding = this.#bind(this.#decode, this.#tokenTensor, { last: this.#position, total });
        return this.#own(this.#states.bind(binding, from));
      };
      this.#steps = [step(0), step(1)];
      this.#idleBytes = this.#sumMemory("inUseBytes");
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #own<T extends Disposable>(resource: T): T {
    this.#owned.push(resource);
    return resource;
  }

  #graph(phase: Phase, positions: number): ModelGraph {
    const { model, dtype, lowering, logits } = this.#cell;
    return buildModel(model, {
      phase,
      dtype: FLOAT_TYPE[dtype],
      lowering: lowering ?? "linear-attention",
      logits: phase === "prefill" ? logits : "last",
      positions,
    });
  }

  #open(graph: ModelGraph, { weights, prepacked }: Shared): Session {
    return this.#own(
      this.#runtime.createSession(encodeModel(graph.graph), {
        initializers: weights.tensors(graph.weights),
        // The threads of the session that ran last would spin on, and take cores from the one that runs next.
        config: { "session.force_spinning_stop": "1" },
        // float16 on the CPU is mostly casts around float32 kernels: layout rewriting would read weights from the file,
        // and some kernels that pack float16 weights cannot share them.
        ...(this.#cell.dtype === "fp16" ? { optimization: "extended" as const } : { prepacked }),
        ...(this.#cell.threads !== null && { threads: this.#cell.threads }),
      }),
    );
  }

  #logitsBuffer(): { host: Float32Array; tensor: Tensor } {
    const { batch, dtype, model } = this.#cell;
    if (dtype !== "fp32") throw new TypeError(`logits are kept in fp32 only, not ${dtype}`);
    const vocabulary = model.config.vocab_size;
    const host = new Float32Array(batch * vocabulary);
    return { host, tensor: this.#own(this.#runtime.tensor("float32", [batch, vocabulary], host)) };
  }

  /** A binding of everything but the states. */
  #bind(session: Session, ids: Tensor, { last, total }: { last: Tensor; total: Tensor }): Binding {
    const binding = session.bind().input("input_ids", ids).output("next_token", this.#tokenTensor);
    if (this.#logits) binding.output("logits", this.#logits.tensor);
    if (this.#positional)
      binding
        .input("last_position", last)
        .input("total_tokens", total)
        .output("next_position", this.#position);
    return binding;
  }

  /**
   * Runs a prompt of `batch` rows of equal length, segment by segment, from an empty state. Afterwards the first new
   * token of every sequence is on the host. An abort ends the segment in flight.
   */
  async prefill(prompt: BigInt64Array, signal?: AbortSignal): Promise<bigint[]> {
    const { batch } = this.#cell;
    const length = prompt.length / batch;
    const segment = this.#cell.segmentTokens ?? length;
    this.#states.reset(this.#side);
    for (let start = 0; start < length; start += segment) {
      const end = Math.min(length, start + segment);
      await this.#runSegment(columns(prompt, batch, start, end), end, signal);
      this.#side = other(this.#side);
    }
    this.#length = length;
    return [...this.#tokens];
  }

  async #runSegment(ids: BigInt64Array, end: number, signal?: AbortSignal): Promise<void> {
    const { batch } = this.#cell;
    using input = this.#runtime.tensor("int64", [batch, ids.length / batch], ids);
    using last = this.#runtime.tensor("int32", [batch], new Int32Array(batch).fill(end - 1));
    using total = this.#runtime.tensor("int32", [], Int32Array.of(end));
    using binding = this.#bind(this.#prefill, input, { last, total });
    await this.#prefill.run(this.#states.bind(binding, this.#side), signal && { signal });
  }

  /** Feeds the last token of every sequence, or the ones given, and gives the next. */
  async step(tokens?: readonly bigint[]): Promise<bigint[]> {
    if (tokens) this.#tokens.set(tokens);
    this.#length += 1;
    this.#total[0] = this.#length;
    await this.#decode.run(this.#steps[this.#side]);
    this.#side = other(this.#side);
    return [...this.#tokens];
  }

  /** The newest logits, float32 [batch, vocabulary]; undefined unless they are kept. */
  get logits(): Float32Array | undefined {
    return this.#logits?.host;
  }

  get kvCacheBytes(): number {
    return this.#states.bytes("key", "value");
  }

  get ssmStateBytes(): number {
    return this.#states.bytes("ssm");
  }

  get convStateBytes(): number {
    return this.#states.bytes("conv");
  }

  /** Caches and states as held: the swapped ones twice. */
  get heldStateBytes(): number {
    return this.#states.heldBytes;
  }

  /** Highest use of the sessions' allocators so far above what they held when the generator was ready. */
  get peakActivationBytes(): number {
    return this.#sumMemory("maxInUseBytes") - this.#idleBytes;
  }

  /** Bytes the sessions' allocators hold, used or not. */
  get reservedBytes(): number {
    return this.#sumMemory("totalAllocatedBytes");
  }

  #sumMemory(key: "inUseBytes" | "maxInUseBytes" | "totalAllocatedBytes"): number {
    return [this.#prefill, this.#decode].reduce((sum, session) => sum + (session.memory()?.[key] ?? 0), 0);
  }

  [Symbol.dispose](): void {
    for (const resource of this.#owned.reverse()) resource[Symbol.dispose]();
    this.#owned.length = 0;
  }
}

/** Columns start..end of `batch` rows. */
function columns(rows: BigInt64Array, batch: number, start: number, end: number): BigInt64Array {
  const length = rows.length / batch;
  const out = new BigInt64Array(batch * (end - start));
  for (let row = 0; row < batch; row++)
    out.set(rows.subarray(row * length + start, row * length + end), row * (end - start));
  return out;
}
