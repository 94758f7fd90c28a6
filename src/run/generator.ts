import { encodeModel, TYPES, type FloatType } from "../graph/index.js";
import {
  buildModel,
  fromBits,
  prefixTokens,
  withPrefix,
  type ModelGraph,
  type WeightBits,
} from "../models/index.js";
import {
  NativeError,
  type Binding,
  type CudaOptions,
  type Device,
  type Session,
  type Tensor,
  type TensorSpec,
} from "../ort/index.js";
import { Carried } from "./carried.js";
import { activationType, graphOptions, tokensMultipleOf, type Phase } from "./graph-options.js";
import { assertRoom, optionsWithin } from "./memory-budget.js";
import type { Measured } from "./loaded.js";
import type { LoadedModel } from "./loaded-model.js";
import { operatorsOf } from "./operators.js";
import type { Cell } from "./plan.js";
import { other, PRIMED_POSITIONS, sideAfter, stateBytes, type Side } from "./states.js";

/** What a generator of one setting is made for. */
export interface GeneratorOptions {
  /** Whether to keep the last position's logits of every step: for checks, not for timing. */
  readonly keepLogits?: boolean;
  /** Lengths of the prompts that it will be given. Default: the cell's. */
  readonly promptTokens?: readonly number[];
  /** Makes ONNX Runtime profile both sessions, into files whose paths begin so; see `endProfiling`. Not for timing. */
  readonly profilePrefix?: string;
  /**
   * Whether runs keep this thread until they end. The way to a worker thread and back would be time of a pass that no
   * profile explains. Default: only steps on a GPU.
   */
  readonly onThisThread?: boolean;
}

/**
 * A model ready to generate with one cell's settings: a prefill and a decode session over shared weights, and the
 * state between them, which never leaves the device. Decoding feeds itself: each step writes the next token and
 * position where the next step reads them.
 */
export class Generator implements Measured {
  readonly #cell: Cell;
  readonly #model: LoadedModel;
  readonly #device: Device;
  readonly #owned: Disposable[] = [];
  readonly #positional: boolean;
  readonly #prefill: Session;
  readonly #decode: Decode;
  readonly #carried: Carried;
  /** The copy of the newest tokens that ends a step on the host. */
  readonly #tokens: BigInt64Array;
  readonly #total = new Int32Array(1);
  readonly #profilePrefix: string | undefined;
  readonly #onThisThread: boolean;
  /** Copies from the device to the host that ended steps, and their time. */
  readonly copies = { calls: 0, ms: 0 };
  /** ms in runs of the sessions, as seen from here. */
  runMs = 0;
  /** What the process held beside weights, states and allocators when the sessions were ready: context and libraries. */
  readonly contextBytes: number;
  /** Tokens of the model's own before every prompt: they have positions and caches, and are in no one's count. */
  readonly #prefix: number;
  readonly #capacity: number;
  /** What the prompts that the prefill's graph takes are multiples of. */
  readonly #multiple: number;
  #side: Side = 0;
  #length = 0;
  /** Its length after the newest prompt. */
  #promptEnd = 0;

  constructor(cell: Cell, model: LoadedModel, options: GeneratorOptions = {}) {
    const { keepLogits = false, promptTokens = [cell.promptTokens] } = options;
    this.#cell = cell;
    this.#profilePrefix = options.profilePrefix;
    this.#onThisThread = options.onThisThread ?? false;
    this.#model = model;
    this.#device = model.device;
    const { batch } = cell;
    // At least what priming writes, which counts positions up at every run.
    this.#prefix = prefixTokens(cell.model);
    this.#capacity = Math.max(this.#prefix + cell.promptTokens + cell.newTokens, PRIMED_POSITIONS);
    this.#multiple = tokensMultipleOf([...promptTokens, cell.segmentTokens ?? 0]);
    try {
      const [prefill, decode] = [this.#graph("prefill"), this.#graph("decode")];
      this.#positional = decode.positional;
      // What is known in advance comes first: the sessions' allocators get what a budget has left.
      const weights = [...prefill.weights, ...decode.weights];
      this.#assertWithin("weights", model.weights.missingBytes(weights));
      model.weights.tensors(weights);
      this.#assertWithin("caches and states", stateBytes(decode.caches, batch, this.#capacity));
      this.#carried = this.#own(
        Carried.allocate(
          this.#device,
          decode.caches,
          batch,
          this.#capacity,
          keepLogits ? this.#logitsSpec() : undefined,
        ),
      );
      this.#tokens = new BigInt64Array(batch);
      // A captured graph keeps what was on the host at the time, and cuDNN plans its kernel anew for every value: the
      // cache's capacity is right for all steps.
      this.#total[0] = this.#capacity;
      this.#decode = this.#openDecode(decode);
      this.#prefill = this.#open("prefill", prefill, optionsWithin(this.#cell, this.#model.memory));
      this.contextBytes = this.#measureContext();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Throws an out-of-memory error when the process takes, or with `bytes` more would take, more than the budget. */
  assertWithinBudget(what: string): void {
    this.#assertWithin(what, 0);
  }

  #assertWithin(what: string, bytes: number): void {
    assertRoom(this.#cell, this.#model.memory, what, bytes);
  }

  #own<T extends Disposable>(resource: T): T {
    this.#owned.push(resource);
    return resource;
  }

  #logitsSpec(): TensorSpec {
    const { batch, model } = this.#cell;
    return { dtype: activationType(this.#cell), shape: [batch, model.config.vocab_size] };
  }

  #graph(phase: Phase): ModelGraph {
    const { model, logits } = this.#cell;
    const { positions } = this.#model;
    return buildModel(
      model,
      graphOptions(
        this.#cell,
        phase,
        phase === "prefill"
          ? { logits, positions, tokensMultipleOf: this.#multiple }
          : { logits: "last", positions, tokensMultipleOf: 1 },
      ),
    );
  }

  /** The decode session and its steps, as a CUDA graph where the cell wants one and it can be captured. */
  #openDecode(graph: ModelGraph): Decode {
    const { cudaGraph } = this.#cell;
    const cuda = optionsWithin(this.#cell, this.#model.memory);
    if (cuda && cudaGraph !== "off")
      try {
        return this.#prime(graph, { ...cuda, graph: true });
      } catch (error) {
        const hopeless = !(error instanceof NativeError) || error.isOutOfMemory || error.isFatal;
        if (cudaGraph === "on" || hopeless) throw error;
      }
    return this.#prime(graph, cuda);
  }

  /**
   * Opens the session and, on a GPU, runs every step once before any prompt: kernels are loaded, and graphs captured. ONNX
   * Runtime captures a graph within its first run, which it repeats for that, so what the run leaves in caches, token
   * and position means nothing.
   */
  #prime(graph: ModelGraph, cuda: CudaOptions | null): Decode {
    const session = this.#open("decode", graph, cuda);
    const steps = this.#bindSteps(session);
    const decode = { session, steps, cudaGraph: cuda?.graph ?? false };
    if (cuda)
      for (const side of [1, 0] as const) {
        this.#device.clear([this.#carried.token, this.#carried.position]);
        this.#carried.states.reset(side);
        runStep(decode, side);
      }
    return decode;
  }

  #open(phase: Phase, graph: ModelGraph, cuda: CudaOptions | null): Session {
    const { weights, prepacked, runtime } = this.#model;
    const { dtype, threads } = this.#cell;
    return this.#own(
      runtime.createSession(encodeModel(graph.graph), {
        device: this.#device,
        initializers: weights.tensors(graph.weights),
        customOps: operatorsOf(graph.graph, this.#device),
        // The threads of the session that ran last would spin on, and take cores from the one that runs next.
        config: { "session.force_spinning_stop": "1" },
        // A planned block for the whole run would be held beside the chunks of the run that was planned from.
        memoryPattern: false,
        ...(cuda
          ? { cuda }
          : // float16 on the CPU is mostly casts around float32 kernels: layout rewriting would read weights from the
            // file, and some kernels that pack float16 weights cannot share them.
            dtype === "fp16"
            ? { optimization: "extended" as const }
            : { prepacked }),
        ...(threads !== null && { threads }),
        ...(this.#profilePrefix !== undefined && { profilePrefix: `${this.#profilePrefix}-${phase}` }),
      }),
    );
  }

  /** A binding of a run that reads side `from` of the states. */
  #bind(
    session: Session,
    ids: Tensor,
    { last, total }: Positions,
    from: Side,
    carried = this.#carried,
  ): Binding {
    const binding = session.bind().input("input_ids", ids);
    if (this.#positional) binding.input("last_position", last).input("total_tokens", total);
    return carried.bind(binding, from, this.#positional);
  }

  #bindSteps(session: Session): [Binding, Binding] {
    const total = this.#own(this.#model.runtime.tensor("int32", [], this.#total));
    const { token, position } = this.#carried;
    const step = (from: Side): Binding =>
      this.#own(this.#bind(session, token, { last: position, total }, from));
    const first = step(0);
    return [first, this.#carried.states.swapped ? step(1) : first];
  }

  /**
   * Runs a prompt of `batch` rows of equal length, segment by segment, from an empty state. Afterwards the first new
   * token of every sequence is on the host. An abort ends the segment in flight. Tokens of the model's own come before
   * the first segment's. ONNX Runtime's GroupQueryAttention takes several tokens after others for one sequence only: there
   * the sequences go in one after another.
   */
  async prefill(prompt: BigInt64Array, signal?: AbortSignal): Promise<bigint[]> {
    const { batch } = this.#cell;
    const given = prompt.length / batch;
    const segment = this.#cell.segmentTokens ?? given;
    const most = this.#capacity - this.#prefix;
    if (given > most || given % this.#multiple !== 0)
      throw new RangeError(
        `a prompt of ${given} tokens does not fit: at most ${most}, in multiples of ${this.#multiple}`,
      );
    const rows = withPrefix(this.#cell.model, prompt, batch);
    const length = this.#prefix + given;
    this.#carried.states.reset(this.#side);
    if (this.#positional && batch > 1 && segment < given)
      for (let row = 0; row < batch; row++) {
        using carried = this.#carried.sequence(row);
        await this.#runSegments(rows.subarray(row * length, (row + 1) * length), 1, segment, carried, signal);
      }
    else await this.#runSegments(rows, batch, segment, this.#carried, signal);
    this.#side = sideAfter(Math.ceil(given / segment), this.#side);
    this.#length = length;
    this.#promptEnd = length;
    return this.#readTokens();
  }

  async #runSegments(
    prompt: BigInt64Array,
    batch: number,
    segment: number,
    carried: Carried,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { runtime } = this.#model;
    const length = prompt.length / batch;
    for (let start = 0, end = this.#prefix, run = 0; start < length; start = end, run++) {
      end = Math.min(length, end + segment);
      const ids = columns(prompt, batch, start, end);
      using input = runtime.tensor("int64", [batch, end - start], ids);
      using last = runtime.tensor("int32", [batch], new Int32Array(batch).fill(end - 1));
      using total = runtime.tensor("int32", [], Int32Array.of(end));
      using binding = this.#bind(this.#prefill, input, { last, total }, sideAfter(run, this.#side), carried);
      const started = performance.now();
      if (this.#onThisThread) this.#prefill.runSync(binding, signal && { signal });
      else await this.#prefill.run(binding, signal && { signal });
      this.runMs += performance.now() - started;
    }
  }

  /** Feeds the last token of every sequence, or the ones given, and gives the next. */
  async step(tokens?: readonly bigint[]): Promise<bigint[]> {
    if (tokens)
      this.#device.fill(this.#carried.token, (bits) => {
        (bits as BigInt64Array).set(tokens);
      });
    this.#length += 1;
    if (this.#device.ep === "cpu") this.#total[0] = this.#length;
    const started = performance.now();
    if (this.#device.ep === "cpu" && !this.#onThisThread) {
      await this.#decode.session.run(this.#decode.steps[this.#side]);
    } else {
      // A step takes about a millisecond, a worker thread and back 3 % of it; and ONNX Runtime keeps captured graphs a
      // thread. The event loop gets its turn between steps.
      runStep(this.#decode, this.#side);
      if (!this.#onThisThread) await new Promise(setImmediate);
    }
    this.runMs += performance.now() - started;
    this.#side = other(this.#side);
    return this.#readTokens();
  }

  rewind(): void {
    this.#length = this.#promptEnd;
    if (this.#positional)
      this.#device.fill(this.#carried.position, (bits) => {
        (bits as Int32Array).fill(this.#promptEnd);
      });
  }

  #readTokens(): bigint[] {
    const start = performance.now();
    this.#device.read(this.#carried.token, this.#tokens);
    this.copies.calls++;
    this.copies.ms += performance.now() - start;
    return [...this.#tokens];
  }

  /** Runs so far of the session of a phase: those before and after what is looked for in its profile. */
  runs(phase: Phase): number {
    return this.#session(phase).runs;
  }

  /** Ends the profile of a phase's session, and gives its file. */
  endProfiling(phase: Phase): string {
    return this.#session(phase).endProfiling();
  }

  #session(phase: Phase): Session {
    return phase === "prefill" ? this.#prefill : this.#decode.session;
  }

  /** The newest logits, [batch, vocabulary]; undefined unless they are kept. */
  get logits(): Float32Array | undefined {
    const { logits } = this.#carried;
    if (!logits) return undefined;
    const { dtype, byteLength } = logits;
    const float = dtype as FloatType;
    const count = byteLength / TYPES[float].bytes;
    const bits: WeightBits = float === "float32" ? new Float32Array(count) : new Uint16Array(count);
    this.#device.read(logits, bits);
    return fromBits(bits, float);
  }

  #measureContext(): number {
    const { memory, weights } = this.#model;
    return (
      memory.bytes() - weights.parameterBytes - weights.tableBytes - this.heldStateBytes - this.reservedBytes
    );
  }

  /** Whether decode steps are replayed as a CUDA graph. */
  get cudaGraph(): boolean {
    return this.#decode.cudaGraph;
  }

  get kvCacheBytes(): number {
    return this.#carried.states.bytes("key", "value");
  }

  get ssmStateBytes(): number {
    return this.#carried.states.bytes("ssm");
  }

  get convStateBytes(): number {
    return this.#carried.states.bytes("conv");
  }

  /** Caches and states as held: the swapped ones twice. */
  get heldStateBytes(): number {
    return this.#carried.states.heldBytes;
  }

  /** Highest use of the sessions' allocators: activations, work space and constants; weights and states are elsewhere. */
  get peakActivationBytes(): number {
    return this.#sumMemory("maxInUseBytes");
  }

  /** Bytes the sessions' allocators hold, used or not. */
  get reservedBytes(): number {
    return this.#sumMemory("totalAllocatedBytes");
  }

  #sumMemory(key: "maxInUseBytes" | "totalAllocatedBytes"): number {
    return [this.#prefill, this.#decode.session].reduce(
      (sum, session) => sum + (session.memory()?.[key] ?? 0),
      0,
    );
  }

  /** Frees the sessions and the states. */
  [Symbol.dispose](): void {
    for (const resource of this.#owned.reverse()) resource[Symbol.dispose]();
    this.#owned.length = 0;
  }
}

/** Where the new tokens of a run are. */
interface Positions {
  readonly last: Tensor;
  readonly total: Tensor;
}

/** What decoding takes. */
interface Decode {
  readonly session: Session;
  /** Steps that read side 0 and side 1 of the states. */
  readonly steps: readonly [Binding, Binding];
  /** Whether they are replayed as a CUDA graph. */
  readonly cudaGraph: boolean;
}

/** Runs a step on a GPU, as a captured graph where there is one: one for each binding. */
function runStep({ session, steps, cudaGraph }: Decode, side: Side): void {
  const binding = steps[side];
  session.runSync(binding, cudaGraph ? GRAPHS[steps.indexOf(binding)]! : {});
}

/** Names of the captured graphs. */
const GRAPHS = [{ config: { gpu_graph_id: "1" } }, { config: { gpu_graph_id: "2" } }] as const;

/** Columns start..end of `batch` rows. */
export function columns(rows: BigInt64Array, batch: number, start: number, end: number): BigInt64Array {
  const length = rows.length / batch;
  const out = new BigInt64Array(batch * (end - start));
  for (let row = 0; row < batch; row++)
    out.set(rows.subarray(row * length + start, row * length + end), row * (end - start));
  return out;
}
