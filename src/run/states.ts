import { elements, TYPES } from "../graph/index.js";
import type { CacheSpec } from "../models/index.js";
import type { Binding, Device, Tensor } from "../ort/index.js";

/** A state that is written where it is read (one buffer), or read from one buffer and written to the other. */
interface State {
  readonly spec: CacheSpec;
  readonly buffers: readonly [Tensor] | readonly [Tensor, Tensor];
}

/** Which of the two buffers of every swapped state holds the newest values. */
export type Side = 0 | 1;

/**
 * The state a model carries between runs, on its device: key and value caches written in place, SSM and convolution
 * states in two sets that take turns.
 */
export class States implements Disposable {
  readonly #device: Device;
  readonly #states: readonly State[];
  /** Whether there are states that take turns: without any, both sides are the same. */
  readonly swapped: boolean;

  private constructor(device: Device, states: readonly State[]) {
    this.#device = device;
    this.#states = states;
    this.swapped = states.some(({ buffers }) => buffers.length === 2);
  }

  static allocate(device: Device, specs: readonly CacheSpec[], batch: number, capacity: number): States {
    const wanted = specs.flatMap((spec) => {
      const tensor = { dtype: spec.dtype, shape: spec.shape(batch, capacity) };
      return spec.inPlace ? [tensor] : [tensor, tensor];
    });
    const all = device.allocate(wanted);
    // Defined values, and on a CPU pages that are there.
    device.clear(all);
    const tensors = all[Symbol.iterator]();
    const next = (): Tensor => tensors.next().value!;
    return new States(
      device,
      specs.map((spec) => ({ spec, buffers: spec.inPlace ? [next()] : [next(), next()] })),
    );
  }

  /** One sequence's part of the memory. */
  sequence(row: number): States {
    const part = (tensor: Tensor): Tensor => rowOf(this.#device, tensor, row);
    const states = this.#states.map(({ spec, buffers: [first, second] }): State => {
      return { spec, buffers: second ? [part(first), part(second)] : [part(first)] };
    });
    return new States(this.#device, states);
  }

  /** Makes side `side` the state before a prompt: zeros, whose bit pattern is 0 in every type. In place nothing is read. */
  reset(side: Side): void {
    this.#device.clear(this.#states.flatMap(({ buffers }) => (buffers.length === 2 ? [buffers[side]] : [])));
  }

  /** Binds a run that reads side `from` and writes the other. */
  bind(binding: Binding, from: Side): Binding {
    for (const { spec, buffers } of this.#states) {
      binding.input(spec.past, buffers.length === 1 ? buffers[0] : buffers[from]);
      for (const present of [spec.present, ...spec.copies])
        binding.output(present, buffers.length === 1 ? buffers[0] : buffers[other(from)]);
    }
    return binding;
  }

  /** Bytes of one set of the states with these roles. */
  bytes(...roles: CacheSpec["role"][]): number {
    return this.#states
      .filter(({ spec }) => roles.includes(spec.role))
      .reduce((sum, { buffers }) => sum + buffers[0].byteLength, 0);
  }

  /** Bytes of everything held: key and value caches, and both sets of the other states. */
  get heldBytes(): number {
    return this.#states.reduce((sum, { buffers }) => sum + buffers.length * buffers[0].byteLength, 0);
  }

  [Symbol.dispose](): void {
    for (const { buffers } of this.#states) for (const tensor of buffers) tensor[Symbol.dispose]();
  }
}

/** A row of the first axis, in the tensor's memory. */
export function rowOf(device: Device, tensor: Tensor, row: number): Tensor {
  const { dtype, shape, byteLength } = tensor;
  const [rows, ...rest] = shape;
  return device.view(tensor, { dtype, shape: [1, ...rest] }, (byteLength / rows!) * row);
}

/** Bytes that `States` holds of these. */
export const stateBytes = (specs: readonly CacheSpec[], batch: number, capacity: number): number =>
  specs.reduce(
    (sum, { dtype, inPlace, shape }) =>
      sum + (inPlace ? 1 : 2) * elements(shape(batch, capacity)) * TYPES[dtype].bytes,
    0,
  );

/** The side that a run reading `side` writes. */
export const other = (side: Side): Side => (side === 0 ? 1 : 0);

/** The newest side after as many runs as that, the first of which read `side`. */
export const sideAfter = (runs: number, side: Side): Side => (runs % 2 === 0 ? side : other(side));

/** Positions that priming writes: two sides, and ONNX Runtime runs a step up to three times to capture it. */
export const PRIMED_POSITIONS = 4;
