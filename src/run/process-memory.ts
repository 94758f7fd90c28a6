import type { Device, Runtime } from "../ort/index.js";
import { gpuUsedBytes } from "../sensors/nvml/gpus.js";

/** What this process holds of a device's memory: of a GPU's, or resident memory on a CPU. */
export interface ProcessMemory {
  bytes(): number;
}

export interface OpenedDevice {
  readonly device: Device;
  readonly memory: ProcessMemory;
}

const opened = new WeakMap<Device, ProcessMemory>();

/** Opens a device, with what was in use before on the GPU as the others' share, where NVML tells it. */
export function openDevice(runtime: Runtime, ep: "cpu" | "cuda", deviceId: number): OpenedDevice {
  const before = ep === "cuda" ? gpuUsedBytes() : null;
  const device = runtime.device(ep, deviceId);
  let memory = opened.get(device);
  if (!memory) {
    const bytes = before ? gpuMemory(device, before) : () => process.memoryUsage.rss();
    memory = { bytes };
    opened.set(device, memory);
  }
  return { device, memory };
}

/** Without NVML, all that is in use counts as ours: a Jetson's GPU shares its memory with everything that runs. */
function gpuMemory(device: Device, before: ReadonlyMap<string, number>): () => number {
  const uuid = device.cuda?.uuid ?? "";
  const others = before.get(uuid);
  if (others === undefined) return () => device.usedBytes()!;
  return () => (gpuUsedBytes().get(uuid) ?? others) - others;
}
