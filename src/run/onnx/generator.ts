import { elements, encodeModel, TYPES } from "../../graph/index.js";
import { fromBits, greedyGraph, type CacheSpec } from "../../models/index.js";
import type { Binding, Device, Session, Tensor } from "../../ort/index.js";
import type { Measured } from "../loaded.js";
import { columns } from "../generator.js";
import { assertRoom, optionsWithin } from "../memory-budget.js";
import { other, stateBytes, States, type Side } from "../states.js";
import { GrowingCaches, growingBytes } from "./growing-caches.js";
import { shapeOf, type IntegerType, type OnnxCache } from "./interface.js";
import type { LoadedOnnx } from "./loaded-onnx.js";
import type { OnnxCell } from "./plan.js";

/**
 * An exported model ready to generate with one cell's settings: its session, the choice of the next token as a session of
 * its own behind it (such models end with their logits), and the caches between steps, all on the device. A step is both
 * sessions and the token's way to the host.
 */
export class OnnxGenerator implements Measured {
  /** Shapes change at every step, so there is nothing to replay. */
  readonly cudaGraph = false;
  readonly contextBytes: number;
  readonly #cell: OnnxCell;
  readonly #loaded: LoadedOnnx;
  readonly #device: Device;
  readonly #owned: Disposable[] = [];
  readonly #capacity: number;
  readonly #segment: number;
  readonly #session: Session;
  readonly #greedy: Session;
  readonly #states: States;
  readonly #growing: GrowingCaches;
  /** Newest token of every sequence, [batch, 1]: what a step reads and `greedy` writes. */
  readonly #token: Tensor;
  readonly #tokens: IntegerArray;
  /** Logits of the longest segment; runs write tensors of their own shape over it. */
  readonly #logits: Tensor;
  /** Ones, for masks of any length. */
  readonly #ones: Tensor | null;
  readonly #runs = new Map<string, Run>();
  #side: Side = 0;
  #length = 0;
  /** Where the newest prompt ended. */
  #promptEnd: { length: number; side: Side } = { length: 0, side: 0 };
  /** Positions that the newest run gave logits of. */
  #newest = 0;

  constructor(cell: OnnxCell, loaded: LoadedOnnx) {
    this.#cell = cell;
    this.#loaded = loaded;
    this.#device = loaded.device;
    const { batch, promptTokens, newTokens, segmentTokens, model } = cell;
    const { caches, ids, mask, logits } = model.interface;
    this.#capacity = promptTokens + newTokens;
    this.#segment = Math.min(segmentTokens ?? promptTokens, promptTokens);
    const growing = caches.filter(({ carry }) => carry === "growing");
    const kept = caches.filter(({ carry }) => carry !== "growing").map(cacheSpec);
    try {
      this.#assertWithin("weights", model.fileBytes);
      this.#session = this.#open(model.path);
      this.#assertWithin(
        "caches and states",
        growingBytes(growing, batch, this.#capacity) + stateBytes(kept, batch, this.#capacity),
      );
      this.#growing = this.#own(new GrowingCaches(this.#device, growing, batch, this.#capacity));
      this.#states = this.#own(States.allocate(this.#device, kept, batch, this.#capacity));
      this.#token = this.#allocate(ids, [batch, 1]);
      this.#tokens = integers(ids, batch);
      const logitsShape = [batch, this.#logitsOf(this.#segment), logits.vocabulary];
      this.#assertWithin("logits", elements(logitsShape) * TYPES[logits.dtype].bytes);
      this.#logits = this.#allocate(logits.dtype, logitsShape);
      this.#ones = mask && this.#filled(mask, [batch * this.#capacity], () => 1);
      this.#greedy = this.#open(encodeModel(greedyGraph(logits.dtype, logits.vocabulary, ids)));
      this.#prepare();
      this.contextBytes =
        loaded.memory.bytes() - loaded.weights.parameterBytes - this.heldStateBytes - this.reservedBytes;
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  assertWithinBudget(what: string): void {
    this.#assertWithin(what, 0);
  }

  #assertWithin(what: string, bytes: number): void {
    assertRoom(this.#cell, this.#loaded.memory, what, bytes);
  }

  #own<T extends Disposable>(resource: T): T {
    this.#owned.push(resource);
    return resource;
  }

  #allocate(dtype: Tensor["dtype"], shape: readonly number[]): Tensor {
    return this.#own(this.#device.allocate([{ dtype, shape }])[0]!);
  }

  #filled(dtype: IntegerType, shape: readonly number[], at: (index: number) => number): Tensor {
    const tensor = this.#allocate(dtype, shape);
    const values = integers(dtype, elements(shape), at);
    this.#device.fill(tensor, (out) => {
      (out as { set(values: IntegerArray): void }).set(values);
    });
    return tensor;
  }

  #open(model: Uint8Array | string): Session {
    const { threads } = this.#cell;
    const cuda = optionsWithin(this.#cell, this.#loaded.memory);
    return this.#own(
      this.#loaded.runtime.createSession(model, {
        device: this.#device,
        config: {
          "session.force_spinning_stop": "1",
          // Weights beside the arena, so that its peak is that of activations.
          "session.use_device_allocator_for_initializers": "1",
        },
        memoryPattern: false,
        ...(cuda && { cuda }),
        ...(threads !== null && { threads }),
      }),
    );
  }

  /** How many positions of a run of `tokens` have logits. */
  #logitsOf(tokens: number): number {
    const { positions } = this.#cell.model.interface.logits;
    return positions === "all" || (positions === "chosen" && this.#cell.logits === "all") ? tokens : 1;
  }

  /**
   * A run of `tokens` after `past`, without the ids of a prompt's segment, and the choice of the token that follows. Bound
   * once: for 24 layers that takes some 3 ms, as long as many a step.
   */
  #bound(kind: "segment" | "step", past: number, tokens: number, side: Side): Run {
    const key = `${kind} ${past} ${tokens} ${side}`;
    let run = this.#runs.get(key);
    if (!run) {
      run = this.#bind(past, tokens, side);
      if (kind === "step") run.model.input("input_ids", this.#token);
      this.#runs.set(key, run);
    }
    return run;
  }

  #bind(past: number, tokens: number, side: Side): Run {
    const { batch, logits: which, model } = this.#cell;
    const { logits, logitsToKeep, mask, positions } = model.interface;
    const run = this.#own(this.#session.bind());
    if (mask) {
      using ones = this.#view(this.#ones!, [batch, past + tokens]);
      run.input("attention_mask", ones);
    }
    if (positions)
      run.input(
        "position_ids",
        this.#filled(positions, [batch, tokens], (i) => past + (i % tokens)),
      );
    if (logitsToKeep) {
      // 0 stands for all.
      const count = BigInt64Array.of(which === "all" ? 0n : 1n);
      using wanted = this.#loaded.runtime.tensor("int64", logitsToKeep, count);
      run.input("num_logits_to_keep", wanted);
    }
    const shape = [batch, this.#logitsOf(tokens), logits.vocabulary];
    using read = this.#view(this.#logits, shape);
    using written = this.#view(this.#logits, logits.rank === 2 ? [batch, logits.vocabulary] : shape);
    run.output("logits", written);
    this.#states.bind(this.#growing.bind(run, side, past, past + tokens), side);
    const choice = this.#own(this.#greedy.bind());
    return { model: run, choice: choice.input("logits", read).output("next_token", this.#token) };
  }

  #view(tensor: Tensor, shape: readonly number[]): Tensor {
    return this.#device.view(tensor, { dtype: tensor.dtype, shape }, 0);
  }

  /** Binds all that the cell runs before anything is timed. */
  #prepare(): void {
    const { promptTokens, newTokens } = this.#cell;
    let side: Side = 0;
    for (let past = 0; past < promptTokens; past += this.#segment, side = other(side))
      this.#bound("segment", past, Math.min(this.#segment, promptTokens - past), side);
    for (let past = promptTokens; past < promptTokens + newTokens - 1; past++, side = other(side))
      this.#bound("step", past, 1, side);
  }

  /** Runs a prompt of `batch` rows of equal length, segment by segment, and gives the first new token of each. */
  async prefill(prompt: BigInt64Array, signal?: AbortSignal): Promise<bigint[]> {
    const length = prompt.length / this.#cell.batch;
    if (length > this.#capacity)
      throw new RangeError(`a prompt of ${length} tokens does not fit: at most ${this.#capacity}`);
    this.#side = 0;
    this.#length = 0;
    this.#states.reset(this.#side);
    while (this.#length < length) {
      const end = Math.min(length, this.#length + this.#segment);
      await this.#runSegment(prompt, end, signal);
      this.#side = other(this.#side);
      this.#length = end;
    }
    this.#promptEnd = { length: this.#length, side: this.#side };
    return this.#readTokens();
  }

  /** Only the last segment's token is wanted. */
  async #runSegment(prompt: BigInt64Array, end: number, signal?: AbortSignal): Promise<void> {
    const { batch, model } = this.#cell;
    const { ids } = model.interface;
    const tokens = end - this.#length;
    const segment = columns(prompt, batch, this.#length, end);
    const run = this.#bound("segment", this.#length, tokens, this.#side);
    const values = ids === "int64" ? segment : Int32Array.from(segment, Number);
    using input = this.#loaded.runtime.tensor(ids, [batch, tokens], values);
    await this.#session.run(run.model.input("input_ids", input), signal && { signal });
    if (end * batch === prompt.length) this.#greedy.runSync(run.choice);
    this.#newest = this.#logitsOf(tokens);
  }

  /** Feeds the last token of every sequence, or the ones given, and gives the next. */
  async step(tokens?: readonly bigint[]): Promise<bigint[]> {
    if (this.#length >= this.#capacity)
      throw new RangeError(
        `a sequence of ${this.#length + 1} tokens does not fit: at most ${this.#capacity}`,
      );
    if (tokens)
      this.#device.fill(this.#token, (out) => {
        const { ids } = this.#cell.model.interface;
        (out as { set(values: IntegerArray): void }).set(integers(ids, tokens.length, (i) => tokens[i]!));
      });
    const run = this.#bound("step", this.#length, 1, this.#side);
    if (this.#device.ep === "cpu") await this.#session.run(run.model);
    else this.#session.runSync(run.model);
    this.#greedy.runSync(run.choice);
    // The event loop gets its turn between steps.
    if (this.#device.ep !== "cpu") await new Promise(setImmediate);
    this.#length += 1;
    this.#newest = 1;
    this.#side = other(this.#side);
    return this.#readTokens();
  }

  /** To the side too, whose steps are bound. */
  rewind(): void {
    this.#length = this.#promptEnd.length;
    this.#side = this.#promptEnd.side;
  }

  #readTokens(): bigint[] {
    this.#device.read(this.#token, this.#tokens);
    return Array.from(this.#tokens, BigInt);
  }

  /** The newest logits of the last position, [batch, vocabulary]. */
  get logits(): Float32Array {
    const { batch, model } = this.#cell;
    const { dtype, vocabulary } = model.interface.logits;
    const all = new (dtype === "float32" ? Float32Array : Uint16Array)(
      this.#logits.byteLength / TYPES[dtype].bytes,
    );
    this.#device.read(this.#logits, all);
    const values = fromBits(all, dtype);
    const last = new Float32Array(batch * vocabulary);
    for (let row = 0; row < batch; row++) {
      const from = ((row + 1) * this.#newest - 1) * vocabulary;
      last.set(values.subarray(from, from + vocabulary), row * vocabulary);
    }
    return last;
  }

  get kvCacheBytes(): number {
    return this.#growing.bytes("key", "value") + this.#states.bytes("key", "value");
  }

  get ssmStateBytes(): number {
    return this.#states.bytes("ssm");
  }

  get convStateBytes(): number {
    return this.#states.bytes("conv");
  }

  get heldStateBytes(): number {
    return this.#growing.bytes("key", "value") + this.#states.heldBytes;
  }

  /** Highest use of the sessions' allocators, and the logits, which a graph of ours has there too. */
  get peakActivationBytes(): number {
    return this.#sumMemory("maxInUseBytes");
  }

  get reservedBytes(): number {
    return this.#sumMemory("totalAllocatedBytes");
  }

  #sumMemory(key: "maxInUseBytes" | "totalAllocatedBytes"): number {
    return [this.#session, this.#greedy].reduce(
      (sum, session) => sum + (session.memory()?.[key] ?? 0),
      this.#logits.byteLength,
    );
  }

  /** Frees the session and the caches. */
  [Symbol.dispose](): void {
    for (const resource of this.#owned.reverse()) resource[Symbol.dispose]();
    this.#owned.length = 0;
  }
}

/** What one run is: the model, then the choice of the token that follows. */
interface Run {
  readonly model: Binding;
  readonly choice: Binding;
}

type IntegerArray = BigInt64Array | Int32Array;

function integers(
  dtype: IntegerType,
  count: number,
  at: (index: number) => number | bigint = () => 0,
): IntegerArray {
  return dtype === "int64"
    ? BigInt64Array.from({ length: count }, (_, i) => BigInt(at(i)))
    : Int32Array.from({ length: count }, (_, i) => Number(at(i)));
}

/** A cache that keeps its shape, as `States` takes it. */
const cacheSpec = ({ role, past, present, dtype, carry, shape }: OnnxCache): CacheSpec => ({
  role,
  past,
  present,
  copies: [],
  dtype,
  inPlace: carry === "shared",
  shape: (batch, capacity) => shapeOf(shape, batch, capacity),
});
