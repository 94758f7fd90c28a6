import { prefixTokens } from "../models/index.js";
import type { Device, PrepackedWeights, Runtime } from "../ort/index.js";
import { gateOf, type Gate } from "./gate/record.js";
import type { GateFacts } from "./gate/key.js";
import { settingOf } from "./gate/setting.js";
import { Generator } from "./generator.js";
import type { Loaded } from "./loaded.js";
import type { Cell } from "./plan.js";
import { openDevice, type ProcessMemory } from "./process-memory.js";
import { PRIMED_POSITIONS } from "./states.js";
import { weightSource } from "./weight-source.js";
import { WeightStore, type WeightSource } from "./weight-store.js";

/** A model on a device: what all its generators share. */
export class LoadedModel implements Loaded {
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
      PRIMED_POSITIONS,
      ...cells.map(({ model, promptTokens, newTokens }) => prefixTokens(model) + promptTokens + newTokens),
    );
  }

  open(cell: Cell): Generator {
    return new Generator(cell, this);
  }

  gate(cell: Cell, cudaGraph: boolean | null, facts: GateFacts): Gate | null {
    return gateOf(settingOf(cell, cudaGraph), facts);
  }

  /** Frees the weights. */
  [Symbol.dispose](): void {
    this.weights[Symbol.dispose]();
    this.prepacked[Symbol.dispose]();
  }
}
