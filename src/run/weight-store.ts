import { allocateWeight, type WeightBits, type WeightSpec } from "../models/index.js";
import type { Runtime, Tensor } from "../ort/index.js";

/** Where weights come from: seeded random numbers (RandomWeights), or a checkpoint. */
export interface WeightSource {
  /** Writes the weight's values into `out`, which holds exactly its elements. */
  fill(spec: WeightSpec, out: WeightBits): void;
}

/**
 * A model's weights, held once and shared by all its sessions (prefill, decode, every lowering): graphs name the
 * weights they need, the store makes each one the first time.
 */
export class WeightStore implements Disposable {
  readonly #runtime: Runtime;
  readonly #source: WeightSource;
  readonly #tensors = new Map<string, Tensor>();
  #parameterBytes = 0;
  #tableBytes = 0;

  constructor(runtime: Runtime, source: WeightSource) {
    this.#runtime = runtime;
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

  /** The tensors of these weights, by name. */
  tensors(specs: readonly WeightSpec[]): Map<string, Tensor> {
    return new Map(specs.map((spec) => [spec.name, this.#tensors.get(spec.name) ?? this.#make(spec)]));
  }

  #make(spec: WeightSpec): Tensor {
    const bits = allocateWeight(spec);
    this.#source.fill(spec, bits);
    const tensor = this.#runtime.tensor(spec.dtype, spec.shape, bits);
    this.#tensors.set(spec.name, tensor);
    if (spec.role === "parameter") this.#parameterBytes += bits.byteLength;
    else this.#tableBytes += bits.byteLength;
    return tensor;
  }

  [Symbol.dispose](): void {
    for (const tensor of this.#tensors.values()) tensor[Symbol.dispose]();
    this.#tensors.clear();
  }
}
