import { TYPES, elements, type FloatType } from "../graph/index.js";
import type { CacheSpec } from "../models/index.js";
import type { Binding, Runtime, Session, Tensor } from "../ort/index.js";

/** A state that is read from one buffer and written to the other, and the zeros that a prompt starts from. */
interface Swapped {
  readonly spec: CacheSpec;
  readonly buffers: readonly [Tensor, Tensor];
  readonly start: Tensor;
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
      const make = (): Tensor => session.allocate(spec.dtype, shape);
      if (spec.inPlace) this.#inPlace.push({ spec, buffer: make() });
      else
        this.#swapped.push({
          spec,
          buffers: [make(), make()],
          start: zeros(runtime, spec.dtype as FloatType, shape),
        });
    }
  }

  /** Binds a run that reads side `from` (or the start of a prompt) and writes side `to`. */
  bind(binding: Binding, from: Side | "start", to: Side): Binding {
    for (const { spec, buffer } of this.#inPlace)
      binding.input(spec.past, buffer).output(spec.present, buffer);
    for (const { spec, buffers, start } of this.#swapped)
      binding.input(spec.past, from === "start" ? start : buffers[from]).output(spec.present, buffers[to]);
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

  [Symbol.dispose](): void {
    for (const { buffer } of this.#inPlace) buffer[Symbol.dispose]();
    for (const { buffers, start } of this.#swapped)
      for (const tensor of [...buffers, start]) tensor[Symbol.dispose]();
  }
}

/** Zeros of any float type: the bit pattern is 0 in all of them. */
function zeros(runtime: Runtime, dtype: FloatType, shape: readonly number[]): Tensor {
  return runtime.tensor(dtype, shape, new Uint8Array(elements(shape) * TYPES[dtype].bytes));
}
