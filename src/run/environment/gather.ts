import { openRuntime } from "../../ort/index.js";
import { machineFacts, type Environment } from "../../record/index.js";
import { matchGpu } from "../../sensors/match-gpu.js";
import { gpuSettings, type GpuSettings } from "../../sensors/nvml/gpus.js";
import type { AnyCell } from "../plan.js";
import { containerOf } from "./container.js";
import { cpuSettings } from "./cpu.js";
import { packageVersions } from "./packages.js";

/** Where and with what cells are about to be measured. UserError where their GPU is not there. */
export function gatherEnvironment(cells: readonly AnyCell[]): Environment {
  const runtime = openRuntime();
  const facts = machineFacts();
  return {
    host: facts.host,
    os: facts.os,
    container: containerOf({ root: "/", env: process.env }),
    cpu_model: facts.cpu_model,
    cpu_count: facts.cpu_count,
    ...cpuSettings(),
    memory_bytes: facts.memory_bytes,
    ...gpuFields(cells.find(({ ep }) => ep === "cuda")),
    ort: runtime.version,
    ort_library: runtime.library,
    ort_providers: runtime.providers(),
    ep: [...new Set(cells.map(({ ep }) => ep))].sort().join(", "),
    node: facts.node_version,
    ssm_scope: facts.ssm_scope_version,
    git_commit: facts.git_commit?.replace(/\+$/, "") ?? null,
    git_dirty: facts.git_commit?.endsWith("+") ?? null,
    packages: packageVersions(),
  };
}

type GpuField = Extract<keyof Environment, "gpu" | `gpu_${string}` | "cuda" | "cudnn" | "ep_build">;

function gpuFields(cell: AnyCell | undefined): Pick<Environment, GpuField> {
  const versions = cell && openRuntime().cudaVersions(cell.deviceId!);
  const settings = versions && settingsOf(versions.uuid, cell.deviceId!);
  return {
    gpu: versions?.name ?? null,
    gpu_uuid: versions?.uuid ?? null,
    gpu_memory_bytes: versions?.totalBytes ?? null,
    gpu_driver: settings?.driverVersion ?? null,
    gpu_driver_cuda: versions?.driverVersion ?? null,
    cuda: versions?.runtimeVersion ?? null,
    cudnn: versions?.cudnnVersion ?? null,
    gpu_power_limit_w: settings?.powerLimitW ?? null,
    gpu_max_clock_mhz: settings?.maxClockMhz ?? null,
    gpu_max_memory_clock_mhz: settings?.maxMemoryClockMhz ?? null,
    gpu_clock_mhz: settings?.clockMhz ?? null,
    gpu_memory_clock_mhz: settings?.memoryClockMhz ?? null,
    gpu_persistence: settings?.persistenceMode ?? null,
    gpu_mig: settings ? settings.migUuids !== null : null,
    ep_build: versions?.providerVersion ?? null,
  };
}

function settingsOf(uuid: string | null, deviceId: number): GpuSettings | undefined {
  const gpus = gpuSettings();
  const match = matchGpu({ deviceId, uuid }, gpus);
  return gpus.find((gpu) => gpu.uuid === match.uuid);
}
