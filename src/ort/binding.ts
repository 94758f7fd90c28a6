import { UserError } from "../errors.js";
import { HANDLE, Handle, Owner } from "./handle.js";
import { suggest } from "./suggest.js";
import { detachedError, tensorOf, type Host, type Tensor } from "./tensor.js";
import { assertFits, type ValueInfo } from "./value-info.js";

/** What a binding needs of its session. */
export interface Bindable {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Whether it computes on a GPU, to which tensors in ordinary memory are copied. */
  readonly onGpu: boolean;
}

/**
 * Which tensors a run reads and writes. Made once and run many times; tensors may be exchanged between runs, and one
 * tensor may be input and output at once, as a KV cache is.
 */
export class Binding extends Owner {
  readonly #host: Host;
  readonly #session: Handle;
  readonly #onGpu: boolean;
  readonly #inputInfos: ReadonlyMap<string, ValueInfo>;
  readonly #outputInfos: ReadonlyMap<string, ValueInfo>;
  /** Handles, held so that a tensor may be disposed while it is bound. */
  readonly #inputs: Map<string, Handle>;
  /** In binding order, which is the order of GetBoundOutputValues; null where each run makes a new tensor. */
  readonly #outputs: Map<string, { handle: Handle; tensor: Tensor } | null>;
  #running = false;
  #hasRun = false;
  /** Whether copies of host tensors to a GPU may be on their way: BindInput queues them, and a run does not wait for them. */
  #copying = false;

  /** Made by Session.bind. @internal */
  constructor(host: Host, session: Handle, { inputs, outputs, onGpu }: Bindable) {
    const { api } = host;
    const boundInputs = new Map<string, Handle>();
    const boundOutputs = new Map<string, { handle: Handle; tensor: Tensor } | null>();
    const release = (pointer: bigint): void => {
      api.ReleaseIoBinding(pointer);
      for (const handle of boundInputs.values()) handle.drop();
      for (const bound of boundOutputs.values()) bound?.handle.drop();
      boundInputs.clear();
      boundOutputs.clear();
    };
    super("binding", new Handle(api.CreateIoBinding(session.pointer), release, [session]));
    this.#host = host;
    this.#session = session;
    this.#onGpu = onGpu;
    this.#inputInfos = new Map(inputs.map((info) => [info.name, info]));
    this.#outputInfos = new Map(outputs.map((info) => [info.name, info]));
    this.#inputs = boundInputs;
    this.#outputs = boundOutputs;
  }

  /** The tensor that runs read as this input. */
  input(name: string, tensor: Tensor): this {
    const info = this.#find("input", this.#inputInfos, name);
    const handle = fitting("input", info, tensor);
    this.#host.api.BindInput(this.#idle(), name, handle.pointer);
    this.#copying ||= this.#onGpu && !tensor.onDevice;
    const previous = this.#inputs.get(name);
    this.#inputs.set(name, handle.hold());
    previous?.drop();
    return this;
  }

  /** The tensor that runs write as this output. */
  output(name: string, tensor: Tensor): this {
    const info = this.#find("output", this.#outputInfos, name);
    const handle = fitting("output", info, tensor);
    this.#host.api.BindOutput(this.#idle(), name, handle.pointer);
    this.#setOutput(name, { handle: handle.hold(), tensor });
    return this;
  }

  /** Lets every run make a new tensor in ordinary memory for this output: for shapes that are not known before. */
  outputToHost(name: string): this {
    this.#find("output", this.#outputInfos, name);
    this.#host.api.BindOutputToDevice(this.#idle(), name, this.#host.memoryInfo);
    this.#setOutput(name, null);
    return this;
  }

  /**
   * The outputs of the last run, in the order in which they were bound. Those of `outputToHost` are new tensors, made
   * by every call and owned by the caller; the others are the tensors that were bound.
   */
  outputs(): Map<string, Tensor> {
    const pointer = this.#idle();
    if (!this.#hasRun) throw new UserError("This binding has not run yet; it has no outputs to give.");
    const { api } = this.#host;
    const values = this.#boundValues(pointer);
    const result = new Map<string, Tensor>();
    [...this.#outputs].forEach(([name, bound], position) => {
      const value = values[position]!;
      if (bound) api.ReleaseValue(value);
      result.set(name, bound ? bound.tensor : tensorOf(api, value, [this.#session]));
    });
    return result;
  }

  /**
   * Makes the binding ready for a run and returns what ends it; in between it can be neither changed nor run again.
   * For Session only. @internal
   */
  begin(session: Handle): { pointer: bigint; end: (completed: boolean) => void } {
    const pointer = this.#idle();
    if (session !== this.#session) throw new UserError("This binding was made by another session.");
    this.#assertComplete();
    const { api, memoryInfo } = this.#host;
    if (this.#copying) api.SynchronizeBoundInputs(pointer);
    this.#copying = false;
    // A run would write into the tensors of the run before, which may be in the caller's hands and of another shape.
    for (const [name, bound] of this.#outputs)
      if (!bound && this.#hasRun) api.BindOutputToDevice(pointer, name, memoryInfo);
    const handle = this[HANDLE].hold();
    this.#running = true;
    return {
      pointer,
      end: (completed) => {
        this.#running = false;
        this.#hasRun = completed;
        handle.drop();
      },
    };
  }

  #assertComplete(): void {
    const missing = [...this.#inputInfos.keys()].filter((name) => !this.#inputs.has(name));
    if (missing.length > 0)
      throw new UserError(
        `No tensor is bound to the input ${missing.map((name) => `"${name}"`).join(", ")}.`,
      );
    if (this.#outputs.size === 0)
      throw new UserError(`No output is bound; ${suggest("", [...this.#outputInfos.keys()])}.`);
    for (const handle of this.#inputs.values()) if (handle.detached) throw detachedError();
    for (const bound of this.#outputs.values()) if (bound?.handle.detached) throw detachedError();
  }

  #setOutput(name: string, bound: { handle: Handle; tensor: Tensor } | null): void {
    const previous = this.#outputs.get(name);
    this.#outputs.set(name, bound);
    this.#hasRun = false;
    previous?.handle.drop();
  }

  #find(role: string, infos: ReadonlyMap<string, ValueInfo>, name: string): ValueInfo {
    const info = infos.get(name);
    if (!info)
      throw new UserError(`The model has no ${role} "${name}"; ${suggest(name, [...infos.keys()])}.`);
    return info;
  }

  #idle(): bigint {
    const { pointer } = this[HANDLE];
    if (this.#running)
      throw new UserError(
        "This binding is in use by a run; wait for it, or make another binding for parallel runs.",
      );
    return pointer;
  }

  #boundValues(pointer: bigint): bigint[] {
    const { api } = this.#host;
    const allocator = api.GetAllocatorWithDefaultOptions();
    const array = new BigUint64Array(1);
    const count = new BigUint64Array(1);
    api.GetBoundOutputValues(pointer, allocator, array, count);
    const address = array[0]!;
    const values = address === 0n ? [] : api.readPointers(address, Number(count[0]));
    if (address !== 0n) api.AllocatorFree(allocator, address);
    return values;
  }
}

function fitting(role: "input" | "output", info: ValueInfo, tensor: Tensor): Handle {
  const handle = tensor[HANDLE];
  if (handle.detached) throw detachedError();
  assertFits(role, info, tensor);
  return handle;
}
