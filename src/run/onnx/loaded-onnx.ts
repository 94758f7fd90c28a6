import type { Device, Runtime } from "../../ort/index.js";
import type { Gate } from "../gate/record.js";
import type { Loaded } from "../loaded.js";
import { openDevice, type ProcessMemory } from "../process-memory.js";
import { OnnxGenerator } from "./generator.js";
import type { OnnxCell } from "./plan.js";

/** An exported model on a device. Every cell opens a session of its own: an allocator's peak cannot be set back. */
export class LoadedOnnx implements Loaded {
  readonly device: Device;
  readonly memory: ProcessMemory;
  readonly weights: Loaded["weights"];

  /** @param cells of one model on one device */
  constructor(
    readonly runtime: Runtime,
    cells: readonly OnnxCell[],
  ) {
    const { ep, deviceId, model } = cells[0]!;
    ({ device: this.device, memory: this.memory } = openDevice(runtime, ep, deviceId ?? 0));
    this.weights = { parameterBytes: model.fileBytes, tableBytes: 0, uploadBytesPerS: null };
  }

  open(cell: OnnxCell): OnnxGenerator {
    return new OnnxGenerator(cell, this);
  }

  /** On a CPU the file is its own reference; what it gives on a GPU nothing has compared. */
  gate({ ep }: OnnxCell): Gate | null {
    return ep === "cpu" ? null : "not-run";
  }

  /** Frees what is held of the file. */
  [Symbol.dispose](): void {
    // Sessions are the generators'.
  }
}
