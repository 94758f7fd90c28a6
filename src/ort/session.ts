import { UserError } from "../errors.js";
import { Binding } from "./binding.js";
import { MEMORY_INFO, type Device } from "./device.js";
import type { DType } from "./dtype.js";
import { HANDLE, Handle, Owner } from "./handle.js";
import { withInitializers } from "./initializers.js";
import { readMemoryStatistics, type MemoryStatistics } from "./memory-statistics.js";
import { createRunOptions, type RunOptions } from "./run-options.js";
import { assertSessionOptions, needsOf, withSessionOptions, type SessionOptions } from "./session-options.js";
import type { Pointer } from "./signatures.js";
import { detachedError, tensorFrom, type Host, type Tensor } from "./tensor.js";
import { readValueInfo, type ValueInfo } from "./value-info.js";

/** A model, loaded and ready to run. */
export class Session extends Owner {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Runs that went well: what a profile of this session tells of, in their order. */
  runs = 0;
  readonly #host: Host;
  readonly #device: Device | undefined;
  readonly #initializers: readonly Handle[];
  /** The session's own allocator, made on first use and released before the session. */
  readonly #own: { allocator: Pointer | null };
  #profiling: boolean;

  /** Made by Runtime.createSession. @internal */
  constructor(host: Host, environment: Pointer, model: Uint8Array | string, options: SessionOptions) {
    assertSessionOptions(options, model);
    const { api } = host;
    const needs = needsOf(options);
    const pointer = withInitializers(options, model, (complete) =>
      withSessionOptions(api, complete, (native) => createSession(host, environment, model, native, options)),
    );
    const own: { allocator: Pointer | null } = { allocator: null };
    const release = (session: Pointer): void => {
      if (own.allocator !== null) api.ReleaseAllocator(own.allocator);
      api.ReleaseSession(session);
    };
    super("session", new Handle(pointer, release, needs));
    this.#host = host;
    this.#device = options.device;
    this.#own = own;
    this.#initializers = needs;
    this.#profiling = options.profilePrefix !== undefined;
    try {
      ({ inputs: this.inputs, outputs: this.outputs } = readInterface(host, pointer));
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  bind(): Binding {
    const { inputs, outputs } = this;
    return new Binding(this.#host, this[HANDLE], { inputs, outputs, onGpu: this.#device?.ep === "cuda" });
  }

  /**
   * Runs on a worker thread; the event loop stays free. A binding runs once at a time, different bindings may run side
   * by side: as many as libuv has threads (4, or UV_THREADPOOL_SIZE), the others wait their turn. Beyond 256 waiting
   * runs koffi refuses.
   */
  async run(binding: Binding, options: RunOptions = {}): Promise<void> {
    options.signal?.throwIfAborted();
    const run = this.#begin(binding, options);
    let completed = false;
    try {
      await this.#host.api.callAsync("RunWithBinding", run.session, run.options, run.binding);
      completed = true;
    } catch (error) {
      options.signal?.throwIfAborted();
      throw error;
    } finally {
      run.end(completed);
    }
  }

  /** Runs on this thread: without the way to another thread and back, for short models and single steps. */
  runSync(binding: Binding, options: RunOptions = {}): void {
    options.signal?.throwIfAborted();
    const run = this.#begin(binding, options);
    let completed = false;
    try {
      this.#host.api.RunWithBinding(run.session, run.options, run.binding);
      completed = true;
    } finally {
      run.end(completed);
    }
  }

  /** A tensor in memory of the session's own allocator; its contents are whatever was there before. */
  allocate(dtype: DType, shape: readonly number[]): Tensor {
    return tensorFrom(
      this.#host.api,
      this.#allocator(),
      this[HANDLE],
      { dtype, shape },
      this.#device?.ep === "cuda",
    );
  }

  /** Statistics of the session's allocator on its device; null where it keeps none. */
  memory(): MemoryStatistics | null {
    return readMemoryStatistics(this.#host.api, this.#allocator());
  }

  /** Ends profiling, writes the profile and returns its path. */
  endProfiling(): string {
    const { pointer } = this[HANDLE];
    if (!this.#profiling) throw new UserError("This session is not profiling; create it with profilePrefix.");
    this.#profiling = false;
    return takeString(this.#host, (allocator) => this.#host.api.SessionEndProfiling(pointer, allocator));
  }

  /** What RunWithBinding takes, held until `end`. */
  #begin(binding: Binding, options: RunOptions) {
    const session = this[HANDLE];
    if (this.#initializers.some((handle) => handle.detached)) throw detachedError();
    const bound = binding.begin(session);
    try {
      const native = createRunOptions(this.#host.api, options);
      return {
        session: session.pointer,
        options: native.pointer,
        binding: bound.pointer,
        end: (completed: boolean): void => {
          if (completed) this.runs++;
          native.release();
          bound.end(completed);
        },
      };
    } catch (error) {
      bound.end(false);
      throw error;
    }
  }

  #allocator(): Pointer {
    const { pointer } = this[HANDLE];
    const { api, memoryInfo } = this.#host;
    const info = this.#device?.[MEMORY_INFO] ?? memoryInfo;
    return (this.#own.allocator ??= api.CreateAllocator(pointer, info));
  }
}

function createSession(
  { api }: Host,
  environment: Pointer,
  model: Uint8Array | string,
  native: Pointer,
  { prepacked }: SessionOptions,
): Pointer {
  const container = prepacked?.[HANDLE].pointer;
  if (typeof model === "string")
    return container === undefined
      ? api.CreateSession(environment, model, native)
      : api.CreateSessionWithPrepackedWeightsContainer(environment, model, native, container);
  return container === undefined
    ? api.CreateSessionFromArray(environment, model, model.byteLength, native)
    : api.CreateSessionFromArrayWithPrepackedWeightsContainer(
        environment,
        model,
        model.byteLength,
        native,
        container,
      );
}

function readInterface(host: Host, session: Pointer): { inputs: ValueInfo[]; outputs: ValueInfo[] } {
  const { api } = host;
  const read = (side: "Input" | "Output"): ValueInfo[] =>
    Array.from({ length: Number(api[`SessionGet${side}Count`](session)) }, (_, index) => {
      const name = takeString(host, (allocator) => api[`SessionGet${side}Name`](session, index, allocator));
      return readValueInfo(api, name, api[`SessionGet${side}TypeInfo`](session, index));
    });
  return { inputs: read("Input"), outputs: read("Output") };
}

/** Copies a string that a call allocates, and frees it. */
function takeString({ api }: Host, call: (allocator: Pointer) => Pointer): string {
  const allocator = api.GetAllocatorWithDefaultOptions();
  const address = call(allocator);
  try {
    return api.readString(address);
  } finally {
    api.AllocatorFree(allocator, address);
  }
}
