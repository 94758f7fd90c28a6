import { elements, TYPES } from "../../graph/index.js";
import type { CacheRole } from "../../models/index.js";
import type { Binding, Device, Tensor } from "../../ort/index.js";
import { other, type Side } from "../states.js";
import { shapeOf, type OnnxCache } from "./interface.js";

const bytesAt = (cache: OnnxCache, batch: number, length: number): number =>
  elements(shapeOf(cache.shape, batch, length)) * TYPES[cache.dtype].bytes;

/**
 * Caches of a model that gives them back longer than it took them: two buffers each for the longest length take turns, and
 * every run reads and writes tensors of its own shape over them, so that nothing is allocated or copied in between.
 */
export class GrowingCaches implements Disposable {
  readonly #device: Device;
  readonly #caches: readonly { readonly cache: OnnxCache; readonly buffers: readonly [Tensor, Tensor] }[];
  readonly #batch: number;

  constructor(device: Device, caches: readonly OnnxCache[], batch: number, capacity: number) {
    this.#device = device;
    this.#batch = batch;
    const tensors = device.allocate(
      caches.flatMap((cache) => {
        const spec = { dtype: cache.dtype, shape: shapeOf(cache.shape, batch, capacity) };
        return [spec, spec];
      }),
    );
    // On a CPU pages that are there.
    device.clear(tensors);
    this.#caches = caches.map((cache, i) => ({ cache, buffers: [tensors[2 * i]!, tensors[2 * i + 1]!] }));
  }

  /** Binds a run that reads `past` tokens from side `from` and writes `present` to the other. */
  bind(binding: Binding, from: Side, past: number, present: number): Binding {
    for (const { cache, buffers } of this.#caches) {
      using before = this.#view(cache, buffers[from], past);
      using after = this.#view(cache, buffers[other(from)], present);
      binding.input(cache.past, before).output(cache.present, after);
    }
    return binding;
  }

  #view(cache: OnnxCache, buffer: Tensor, length: number): Tensor {
    const spec = { dtype: cache.dtype, shape: shapeOf(cache.shape, this.#batch, length) };
    return this.#device.view(buffer, spec, 0);
  }

  /** Bytes of the caches with these roles, both buffers. */
  bytes(...roles: CacheRole[]): number {
    return this.#caches
      .filter(({ cache }) => roles.includes(cache.role))
      .reduce((sum, { buffers }) => sum + 2 * buffers[0].byteLength, 0);
  }

  [Symbol.dispose](): void {
    for (const { buffers } of this.#caches) for (const tensor of buffers) tensor[Symbol.dispose]();
  }
}

/** Bytes that `GrowingCaches` holds of these. */
export const growingBytes = (caches: readonly OnnxCache[], batch: number, capacity: number): number =>
  caches.reduce((sum, cache) => sum + 2 * bytesAt(cache, batch, capacity), 0);
