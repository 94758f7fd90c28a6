import { UserError } from "../../errors.js";
import { codeName, SUCCESS } from "./codes.js";
import { GpuGoneError, NvmlDevice, textOf } from "./device.js";
import { openNvml, type Nvml } from "./library.js";

/** A GPU, as NVML tells of it. What is not told is null. */
export interface NvmlGpu {
  readonly uuid: string;
  /** In the order of the PCI bus, which is not CUDA's unless CUDA_DEVICE_ORDER says so. */
  readonly index: number;
  readonly name: string | null;
  readonly pciBusId: string | null;
  /** UUIDs of the instances that it is cut into; null where it is whole. Power and energy are of the whole GPU only. */
  readonly migUuids: readonly string[] | null;
  readonly architecture: number | null;
  /** Without it, the driver may unload when nobody uses it, and the energy counter begins anew. */
  readonly persistenceMode: boolean | null;
  readonly driverVersion: string | null;
}

export interface OpenGpu {
  readonly gpu: NvmlGpu;
  readonly device: NvmlDevice;
}

/** What of the GPUs that the driver counts can be read, and why the others cannot, in a sentence each. */
export function openGpus(nvml: Nvml): { gpus: OpenGpu[]; problems: string[] } {
  const driverVersion = driverVersionOf(nvml);
  const count = new Uint32Array(1);
  const code = nvml.call("nvmlDeviceGetCount", count);
  if (code !== SUCCESS) return { gpus: [], problems: [`NVML does not count its GPUs (${codeName(code)}).`] };
  const gpus: OpenGpu[] = [];
  const problems: string[] = [];
  for (let index = 0; index < count[0]!; index++) {
    const opened = openGpu(nvml, index, driverVersion);
    if (typeof opened === "string") problems.push(`GPU ${index} cannot be read (${opened}).`);
    else gpus.push(opened);
  }
  return { gpus, problems };
}

/** The GPU, or the name of the code by which it fails. */
function openGpu(nvml: Nvml, index: number, driverVersion: string | null): OpenGpu | string {
  const handle = new BigUint64Array(1);
  const code = nvml.call("nvmlDeviceGetHandleByIndex", index, handle);
  if (code !== SUCCESS) return codeName(code);
  const device = new NvmlDevice(nvml, handle[0]!);
  try {
    const uuid = device.uuid();
    if (uuid === null) return `no UUID: ${device.refused.get("UUID") ?? "not now"}`;
    const gpu: NvmlGpu = {
      uuid,
      index,
      name: device.name(),
      pciBusId: device.pciBusId(),
      migUuids: device.migInstances()?.flatMap((instance) => instance.uuid() ?? []) ?? null,
      architecture: device.architecture(),
      persistenceMode: device.persistenceMode(),
      driverVersion,
    };
    return { gpu, device };
  } catch (error) {
    if (error instanceof GpuGoneError) return error.message;
    throw error;
  }
}

function driverVersionOf(nvml: Nvml): string | null {
  const text = Buffer.alloc(VERSION_BYTES);
  const code = nvml.call("nvmlSystemGetDriverVersion", text, VERSION_BYTES);
  return code === SUCCESS ? textOf(text) : null;
}

const VERSION_BYTES = 80;

/** Every GPU that NVML can read. Throws `UserError` where there is no NVML. */
export function nvmlGpus(library?: string): NvmlGpu[] {
  return openGpus(openNvml(library)).gpus.map(({ gpu }) => gpu);
}

/** How a GPU is set, beside what it is. What is not told is null. */
export interface GpuSettings extends NvmlGpu {
  /** The limit in force. */
  readonly powerLimitW: number | null;
  /** Of the moment. */
  readonly clockMhz: number | null;
  readonly memoryClockMhz: number | null;
  readonly maxClockMhz: number | null;
  readonly maxMemoryClockMhz: number | null;
}

/** Every GPU that NVML can read, and how it is set; none where there is no NVML. */
export function gpuSettings(library?: string): GpuSettings[] {
  const nvml = nvmlIfAny(library);
  if (nvml === null) return [];
  return openGpus(nvml).gpus.flatMap(({ gpu, device }) => {
    try {
      const limit = device.powerLimit();
      return {
        ...gpu,
        powerLimitW: limit === null ? null : limit / 1000,
        clockMhz: device.clock("sm"),
        memoryClockMhz: device.clock("memory"),
        maxClockMhz: device.maxClock("sm"),
        maxMemoryClockMhz: device.maxClock("memory"),
      };
    } catch (error) {
      if (error instanceof GpuGoneError) return [];
      throw error;
    }
  });
}

const known = new WeakMap<Nvml, readonly OpenGpu[]>();

/** Memory in use on each GPU, by whomever, by the GPU's UUID; empty without NVML. What is not told is left out. */
export function gpuUsedBytes(library?: string): Map<string, number> {
  const nvml = nvmlIfAny(library);
  const used = new Map<string, number>();
  if (nvml === null) return used;
  let gpus = known.get(nvml);
  if (!gpus) known.set(nvml, (gpus = openGpus(nvml).gpus));
  for (const { gpu, device } of gpus) {
    const bytes = usedBytes(device);
    if (bytes !== null) used.set(gpu.uuid, bytes);
  }
  return used;
}

function nvmlIfAny(library: string | undefined): Nvml | null {
  try {
    return openNvml(library);
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

function usedBytes(device: NvmlDevice): number | null {
  try {
    return device.memory()?.used ?? null;
  } catch (error) {
    if (error instanceof GpuGoneError) return null;
    throw error;
  }
}
