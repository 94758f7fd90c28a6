import { elements, TYPES } from "../graph/index.js";
import type { WeightBits, WeightSpec } from "../models/index.js";
import type { Device, Tensor } from "../ort/index.js";

/** Where weights come from: seeded random numbers (RandomWeights), or a checkpoint. */
export interface WeightSource {
  /** Writes the weight's values into `out`, which holds exactly its elements. */
  fill(spec: WeightSpec, out: WeightBits): void;
}

/**
 * A model's weights, held once on the device and shared by all its sessions (prefill, decode, every lowering): graphs
 * name the weights they need, the store makes each one the first time.
 */
export class WeightStore implements Disposable {
  readonly #device: Device;
  readonly #source: WeightSource;
  readonly #tensors = new Map<string, Tensor>();
  #parameterBytes = 0;
  #tableBytes = 0;
  readonly #uploaded = { bytes: 0, ms: 0 };

  constructor(device: Device, source: WeightSource) {
    this.#device = device;
    this.#source = source;
  }

  /** Bytes of all parameters made so far. */
  get parameterBytes(): number {
    return this.#parameterBytes;
  }

  /** Bytes of computed tables, e.g. rotary positions. */
  get tableBytes(): number {
    return this.#tableBytes;
  }

  /** Rate at which weights were copied to the device; null where nothing is copied. */
  get uploadBytesPerS(): number | null {
    const { bytes, ms } = this.#uploaded;
    return ms > 0 ? (1000 * bytes) / ms : null;
  }

  /** Bytes of those of these weights that are not there yet. */
  missingBytes(specs: readonly WeightSpec[]): number {
    return this.#missing(specs).reduce(
      (sum, { dtype, shape }) => sum + elements(shape) * TYPES[dtype].bytes,
      0,
    );
  }

  #missing(specs: readonly WeightSpec[]): WeightSpec[] {
    const missing = new Map(specs.map(whole).map((spec) => [spec.name, spec]));
    for (const name of this.#tensors.keys()) missing.delete(name);
    return [...missing.values()];
  }

  /** The tensors of these weights, by name. */
  tensors(specs: readonly WeightSpec[]): Map<string, Tensor> {
    this.#make(this.#missing(specs));
    for (const spec of specs)
      if (!this.#tensors.has(spec.name)) this.#tensors.set(spec.name, this.#rowsOf(spec));
    return new Map(specs.map(({ name }) => [name, this.#tensors.get(name)!]));
  }

  #make(specs: readonly WeightSpec[]): void {
    const tensors = this.#device.allocate(specs);
    const before = this.#device.uploaded;
    try {
      for (const [i, spec] of specs.entries())
        this.#device.fill(tensors[i]!, (bits) => {
          this.#source.fill(spec, bits as WeightBits);
        });
    } catch (error) {
      for (const tensor of tensors) tensor[Symbol.dispose]();
      throw error;
    }
    const after = this.#device.uploaded;
    if (before && after) {
      this.#uploaded.bytes += after.bytes - before.bytes;
      this.#uploaded.ms += after.ms - before.ms;
    }
    for (const [i, spec] of specs.entries()) {
      const tensor = tensors[i]!;
      this.#tensors.set(spec.name, tensor);
      if (spec.role === "parameter") this.#parameterBytes += tensor.byteLength;
      else this.#tableBytes += tensor.byteLength;
    }
  }

  #rowsOf(spec: WeightSpec): Tensor {
    const { of, ofShape, from } = (spec as WeightSpec & { role: "parameter" }).rows!;
    const all = this.#tensors.get(of)!;
    return this.#device.view(all, spec, (all.byteLength / ofShape[0]!) * from);
  }

  [Symbol.dispose](): void {
    for (const tensor of this.#tensors.values()) tensor[Symbol.dispose]();
    this.#tensors.clear();
  }
}

/** The weight that a weight's memory lies in: itself, unless it is rows of another. */
const whole = (spec: WeightSpec): WeightSpec => {
  if (spec.role !== "parameter" || !spec.rows) return spec;
  const { rows, ...rest } = spec;
  return { ...rest, name: rows.of, shape: rows.ofShape };
};
