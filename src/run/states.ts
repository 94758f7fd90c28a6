import { TYPES, elements } from "../graph/index.js";
import type { CacheSpec } from "../models/index.js";
import type { Binding, Runtime, Session, Tensor } from "../ort/index.js";

/** A state that is read from one buffer and written to the other. */
interface Swapped {
  readonly spec: CacheSpec;
  readonly buffers: readonly [Tensor, Tensor];
  /** The buffers' memory. */
  readonly memory: readonly [Uint8Array, Uint8Array];
}

/** Which of the two buffers of every swapped state holds the newest values. */
export type Side = 0 | 1;

/**
 * The state a model carries between runs, on the session's device: key and value caches written in place, SSM and
 * convolution states in two sets that take turns.
 */
export class States implements Disposable {
  readonly #inPlace: { spec: CacheSpec; buffer: Tensor }[] = [];
  readonly #swapped: Swapped[] = [];

  constructor(
    runtime: Runtime,
    session: Session,
    specs: readonly CacheSpec[],
    batch: number,
    capacity: number,
  ) {
    for (const spec of specs) {
      const shape = spec.shape(batch, capacity);
      if (spec.inPlace) this.#inPlace.push({ spec, buffer: session.allocate(spec.dtype, shape) });
      else {
        const bytes = elements(shape) * TYPES[spec.dtype].bytes;
        const memory = [new Uint8Array(bytes), new Uint8Array(bytes)] as const;
        const [first, second] = memory;
        const buffers = [
          runtime.tensor(spec.dtype, shape, first),
          runtime.tensor(spec.dtype, shape, second),
        ] as const;
        this.#swapped.push({ spec, buffers, memory });
      }
    }
  }

  /** Makes side `side` the state before a prompt: zeros, whose bit pattern is 0 in every type. In place nothing is read. */
  reset(side: Side): void {
    for (const { memory } of this.#swapped) memory[side].fill(0);
  }

  /** Binds a run that reads side `from` and writes the other. */
  bind(binding: Binding, from: Side): Binding {
    for (const { spec, buffer } of this.#inPlace)
      binding.input(spec.past, buffer).output(spec.present, buffer);
    for (const { spec, buffers } of this.#swapped)
      binding.input(spec.past, buffers[from]).output(spec.present, buffers[other(from)]);
    return binding;
  }

  /** Bytes of one set of the states with these roles. */
  bytes(...roles: CacheSpec["role"][]): number {
    const tensors = [
      ...this.#inPlace.map(({ spec, buffer }) => ({ spec, buffer })),
      ...this.#swapped.map(({ spec, buffers }) => ({ spec, buffer: buffers[0] })),
    ];
    return tensors
      .filter(({ spec }) => roles.includes(spec.role))
      .reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
  }

  /** Bytes of everything held: key and value caches, and both sets of the other states. */
  get heldBytes(): number {
    return this.bytes("key", "value") + 2 * this.bytes("conv", "ssm");
  }

  [Symbol.dispose](): void {
    for (const { buffer } of this.#inPlace) buffer[Symbol.dispose]();
    for (const { buffers } of this.#swapped) for (const tensor of buffers) tensor[Symbol.dispose]();
  }
}

/** The side that a run reading `side` writes. */
export const other = (side: Side): Side => (side === 0 ? 1 : 0);
