import { elements, TYPES } from "../graph/index.js";
import {
  quantizeWeight,
  storedTensors,
  toBits,
  type ParameterSpec,
  type WeightBits,
  type WeightSpec,
} from "../models/index.js";
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
    return this.#missing(specs)
      .flatMap(storedTensors)
      .reduce((sum, { dtype, shape }) => sum + elements(shape) * TYPES[dtype].bytes, 0);
  }

  #missing(specs: readonly WeightSpec[]): WeightSpec[] {
    const wanted = new Map(specs.map(whole).map((spec) => [spec.name, spec]));
    return [...wanted.values()].filter((spec) =>
      storedTensors(spec).some(({ name }) => !this.#tensors.has(name)),
    );
  }

  /** The tensors of these weights, by the names that graphs have for them. */
  tensors(specs: readonly WeightSpec[]): Map<string, Tensor> {
    this.#make(this.#missing(specs));
    for (const spec of specs) this.#cut(spec);
    return new Map(specs.flatMap(storedTensors).map(({ name }) => [name, this.#tensors.get(name)!]));
  }

  #make(specs: readonly WeightSpec[]): void {
    const wanted = specs.flatMap(storedTensors);
    const tensors = this.#device.allocate(wanted);
    const before = this.#device.uploaded;
    try {
      const next = tensors[Symbol.iterator]();
      for (const spec of specs)
        this.#fill(
          spec,
          storedTensors(spec).map(() => next.next().value!),
        );
    } catch (error) {
      for (const tensor of tensors) tensor[Symbol.dispose]();
      throw error;
    }
    const after = this.#device.uploaded;
    if (before && after) {
      this.#uploaded.bytes += after.bytes - before.bytes;
      this.#uploaded.ms += after.ms - before.ms;
    }
    for (const [i, { name }] of wanted.entries()) this.#tensors.set(name, tensors[i]!);
    for (const spec of specs) {
      const bytes = storedTensors(spec).reduce(
        (sum, { name }) => sum + this.#tensors.get(name)!.byteLength,
        0,
      );
      if (spec.role === "parameter") this.#parameterBytes += bytes;
      else this.#tableBytes += bytes;
    }
  }

  #fill(spec: WeightSpec, [tensor, scales]: readonly Tensor[]): void {
    if (spec.role === "table" || !spec.quantized) {
      this.#device.fill(tensor!, (bits) => {
        this.#source.fill(spec, bits as WeightBits);
      });
      return;
    }
    const { quantized } = spec;
    const fill = (part: ParameterSpec, values: Float32Array): void => {
      this.#source.fill(part, values);
    };
    let found: Float32Array = new Float32Array();
    this.#device.fill(tensor!, (codes) => {
      found = quantizeWeight({ ...spec, quantized }, fill, codes as Uint8Array);
    });
    this.#device.fill(scales!, (bits) => {
      (bits as WeightBits).set(toBits(found, spec.dtype));
    });
  }

  /** Makes the tensors of a weight that is rows of another. */
  #cut(spec: WeightSpec): void {
    if (spec.role !== "parameter" || !spec.rows) return;
    const { from, ofShape } = spec.rows;
    const all = storedTensors(whole(spec));
    for (const [i, part] of storedTensors(spec).entries()) {
      if (this.#tensors.has(part.name)) continue;
      const tensor = this.#tensors.get(all[i]!.name)!;
      this.#tensors.set(part.name, this.#device.view(tensor, part, (tensor.byteLength / ofShape[0]!) * from));
    }
  }

  /** Frees the tensors. */
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
