import { prefixTokens } from "../models/index.js";
import type { Device, PrepackedWeights, Runtime } from "../ort/index.js";
import type { Cell } from "./plan.js";
import { openDevice, type ProcessMemory } from "./process-memory.js";
import { weightSource } from "./weight-source.js";
import { WeightStore, type WeightSource } from "./weight-store.js";

/** A model on a device: what all its generators share. */
export class LoadedModel implements Disposable {
  readonly device: Device;
  readonly memory: ProcessMemory;
  readonly weights: WeightStore;
  /** Weights in the order of the CPU's kernels. */
  readonly prepacked: PrepackedWeights;
  /** Rows of position tables: enough for every one of the cells. */
  readonly positions: number;

  /** @param cells of one model and its weights on one device */
  constructor(
    readonly runtime: Runtime,
    cells: readonly Cell[],
    source: WeightSource = weightSource(cells[0]!),
  ) {
    const { ep, deviceId } = cells[0]!;
    ({ device: this.device, memory: this.memory } = openDevice(runtime, ep, deviceId ?? 0));
    this.weights = new WeightStore(this.device, source);
    this.prepacked = runtime.createPrepackedWeights();
    this.positions = Math.max(
      ...cells.map(({ model, promptTokens, newTokens }) => prefixTokens(model) + promptTokens + newTokens),
    );
  }

  [Symbol.dispose](): void {
    this.weights[Symbol.dispose]();
    this.prepacked[Symbol.dispose]();
  }
}
