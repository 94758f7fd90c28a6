import { UserError } from "../errors.js";

/**
 * A native object that is released exactly once, when nobody holds it any more. Holders are the JavaScript object that
 * owns it, the native objects that point to it, and the run that uses it. So children may outlive their parents in
 * JavaScript, and disposing anything during an asynchronous run is safe: the release waits.
 */
export class Handle {
  #holders = 1;
  readonly #release: (pointer: bigint) => void;
  #needs: readonly Handle[];
  #memory: ArrayBufferView | null;
  readonly #memoryBytes: number;

  /**
   * @param needs what must outlive this object
   * @param memory JavaScript memory that the object points into
   */
  constructor(
    readonly pointer: bigint,
    release: (pointer: bigint) => void,
    needs: readonly Handle[] = [],
    memory: ArrayBufferView | null = null,
  ) {
    this.#release = release;
    this.#needs = needs.map((need) => need.hold());
    this.#memory = memory;
    this.#memoryBytes = memory?.byteLength ?? 0;
  }

  hold(): this {
    this.#holders++;
    return this;
  }

  drop(): void {
    if (--this.#holders > 0) return;
    this.#release(this.pointer);
    this.#memory = null;
    for (const need of this.#needs) need.drop();
    this.#needs = [];
  }

  /** Whether the JavaScript memory was taken away (transferred to a worker), so that the pointer leads nowhere. */
  get detached(): boolean {
    return this.#memory !== null && this.#memory.byteLength !== this.#memoryBytes;
  }
}

/** Key of the handle inside its owner: only src/ort can name it. */
export const HANDLE = Symbol("handle");

/**
 * What was dropped without being disposed is still released, but only when the garbage collector finds it, and in a turn of the
 * event loop: a worker that is being terminated still calls back, but a native call then ends the process, and has no more turns.
 */
const forgotten = new FinalizationRegistry<Handle>((handle) => {
  setImmediate(() => {
    handle.drop();
  }).unref();
});

/** A JavaScript object that owns a native one. `using` or `[Symbol.dispose]()` releases it, once; later use throws. */
export abstract class Owner implements Disposable {
  readonly #what: string;
  #handle: Handle | null;

  /** @param what the object as an error message calls it: "session" */
  protected constructor(what: string, handle: Handle) {
    this.#what = what;
    this.#handle = handle;
    forgotten.register(this, handle, handle);
  }

  /** The native object, for src/ort only. Throws after disposal. */
  get [HANDLE](): Handle {
    if (!this.#handle) throw new UserError(`This ${this.#what} was disposed; it cannot be used any more.`);
    return this.#handle;
  }

  get disposed(): boolean {
    return this.#handle === null;
  }

  [Symbol.dispose](): void {
    const handle = this.#handle;
    if (!handle) return;
    this.#handle = null;
    forgotten.unregister(handle);
    handle.drop();
  }
}
