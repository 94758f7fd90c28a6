import { UserError } from "../errors.js";
import { nvidiaSmi, type NvidiaSmiOptions } from "./nvidia-smi.js";
import { nvml, type NvmlOptions } from "./nvml.js";
import type { Sensor } from "./sensor.js";

/** How often, and of which GPUs. */
export interface GpuOptions extends NvmlOptions {
  /** How nvidia-smi is started where NVML cannot be loaded. */
  nvidiaSmi?: Pick<NvidiaSmiOptions, "command">;
}

/** NVIDIA GPUs by NVML, or by nvidia-smi where that cannot be loaded, ten times a second then at most. */
export function gpu({ nvidiaSmi: program = {}, ...options }: GpuOptions = {}): Sensor {
  const { gpus, intervalMs } = options;
  const library = nvml(options);
  const standIn = nvidiaSmi({
    ...program,
    ...(gpus && { gpus }),
    ...(intervalMs && { intervalMs: Math.ceil(intervalMs) }),
  });
  return {
    source: "gpu",
    discover: async () => {
      const found = await library.discover();
      if (found.devices.length > 0) return found;
      const other = await standIn.discover();
      return other.devices.length > 0 ? other : found;
    },
    async open(open = {}) {
      try {
        return await library.open(open);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        const { devices } = await standIn.discover();
        if (devices.length === 0) throw error;
        const { onWarning = console.warn } = open;
        onWarning(`${error.message} Its program nvidia-smi stands in, without the energy counter.`);
        return standIn.open(open);
      }
    },
  };
}
