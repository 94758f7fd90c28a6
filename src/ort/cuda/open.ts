import { join } from "node:path";
import { UserError } from "../../errors.js";
import { koffi } from "../../ffi/koffi.js";
import { openLibrary, type Library } from "../../ffi/library.js";
import { openApi } from "../api.js";
import { availableProviders } from "../available-providers.js";
import { cudaVersionText, openDriver, type CudaDevice } from "./driver.js";
import { assertComplete, loadLibraries, openCudart, planLibraries, type LibraryPlan } from "./libraries.js";
import {
  missingProviderFiles,
  PROVIDER_FILES,
  providerFolder,
  readProvider,
  type Provider,
} from "./provider.js";

/** The CUDA device that was opened, and the CUDA runtime library that its provider uses. */
export interface OpenedCuda {
  /** libcudart, loaded: cudaMalloc, cudaMemcpyAsync... are its symbols. */
  cudart: Library;
  deviceId: number;
  /** As the driver calls it: "NVIDIA H200". */
  name: string;
  /** "9.0" */
  computeCapability: string;
  totalBytes: number;
  /** "GPU-8-4-4-4-12", as nvidia-smi prints it. */
  uuid: string | null;
  /** CUDA version that the driver supports: "13.0". */
  driverVersion: string;
  /** Version of libcudart: "13.0". */
  runtimeVersion: string;
}

/**
 * Checks the driver, the device and the provider beside `runtimeLibrary`, and loads the CUDA libraries that the
 * provider needs, so that CUDA sessions can be made. Throws a UserError of one sentence with the way out.
 */
export function openCuda(runtimeLibrary: string, deviceId: number): OpenedCuda {
  const { plan, ...facts } = inspectCuda(runtimeLibrary, deviceId);
  loadLibraries(plan);
  const cudart = openCudart(plan);
  return { ...facts, cudart, deviceId, runtimeVersion: runtimeVersionOf(cudart) };
}

/** What is known of a device before anything is loaded or made on it. */
export type InspectedCuda = Omit<OpenedCuda, "cudart" | "runtimeVersion"> & { plan: LibraryPlan };

/** The checks of `openCuda` alone. */
export function inspectCuda(runtimeLibrary: string, deviceId: number): InspectedCuda {
  assertPlatform(process.platform, process.arch);
  const driver = openDriver();
  const device = deviceOf(driver.devices, deviceId);
  const { provider, cudaMajor } = findProvider(runtimeLibrary);
  assertDriver(driver.version, cudaMajor);
  assertCapability(device, cudaMajor);
  const plan = planLibraries(provider, cudaMajor);
  assertComplete(plan);
  const { name, computeCapability, totalBytes, uuid } = device;
  return { deviceId, name, computeCapability, totalBytes, uuid, driverVersion: driver.version, plan };
}

export function assertPlatform(platform: string, arch: string): void {
  if (platform !== "linux" || (arch !== "x64" && arch !== "arm64"))
    throw new UserError(
      `CUDA sessions need Linux on x64 or arm64, and this is ${platform} on ${arch}; measure on the CPU (--ep cpu).`,
    );
}

export function deviceOf(devices: readonly CudaDevice[], id: number): CudaDevice {
  const device = devices.find((candidate) => candidate.id === id);
  if (device === undefined) {
    const list = devices.map((candidate) => `${candidate.id} (${candidate.name})`).join(", ");
    throw new UserError(`There is no CUDA device ${id}; the driver has ${list}.`);
  }
  return device;
}

/** The provider beside a runtime library, after making sure that the two belong together. */
export function findProvider(runtimeLibrary: string): { provider: Provider; cudaMajor: number } {
  const { version, api } = openApi(
    openLibrary("ONNX Runtime", [{ path: runtimeLibrary, source: "the caller" }], ""),
  );
  assertCudaBuild(availableProviders(api), version, runtimeLibrary);
  const folder = providerFolder(runtimeLibrary);
  const missing = missingProviderFiles(runtimeLibrary);
  if (missing.length > 0)
    throw new UserError(
      `The CUDA execution provider is not installed: there is no ${missing.join(" and no ")} in ${folder}; ` +
        "run `ssm-scope cuda install`.",
    );
  const path = join(folder, PROVIDER_FILES[0]);
  return assertProvider(readProvider(path, version), path, version);
}

/** Builds without CUDA hold no bridge to a provider: putting one beside them does not help. */
export function assertCudaBuild(providers: readonly string[], version: string, runtimeLibrary: string): void {
  if (!providers.includes("CUDAExecutionProvider"))
    throw new UserError(
      `ONNX Runtime ${version} at ${runtimeLibrary} was built without CUDA; name a build that has it in ` +
        "SSM_SCOPE_ORT, such as the libonnxruntime.so in the Python package onnxruntime-gpu or NVIDIA's for Jetson.",
    );
}

/** A provider of another version may load and then crash, so it is refused. */
export function assertProvider(
  provider: Provider | null,
  path: string,
  version: string,
): { provider: Provider; cudaMajor: number } {
  const again = "run `ssm-scope cuda install --force`";
  if (provider?.cudaMajor == null)
    throw new UserError(
      `${path} is not a CUDA execution provider for this machine (${process.arch}); ${again}.`,
    );
  if (provider.version !== null && provider.version !== version)
    throw new UserError(
      `The CUDA execution provider at ${path} is of version ${provider.version}, but the ONNX Runtime beside it ` +
        `is ${version}; ${again}.`,
    );
  return { provider, cudaMajor: provider.cudaMajor };
}

/** A driver runs every CUDA runtime of its own major version and of older ones. */
export function assertDriver(driverVersion: string, cudaMajor: number): void {
  if (Number.parseInt(driverVersion, 10) < cudaMajor)
    throw new UserError(
      `The NVIDIA driver is too old: it supports CUDA ${driverVersion}, and the provider needs CUDA ${cudaMajor}; ` +
        `update the driver, or install a provider that was built for an older CUDA (\`ssm-scope cuda install --help\`).`,
    );
}

/** CUDA 13 left Maxwell, Pascal and Volta behind (release notes of CUDA 13.0). */
export function assertCapability({ name, computeCapability }: CudaDevice, cudaMajor: number): void {
  const least = cudaMajor >= 13 ? 7.5 : 5;
  if (Number(computeCapability) < least)
    throw new UserError(
      `${name} has compute capability ${computeCapability}, and CUDA ${cudaMajor} needs ${least.toFixed(1)} or more; ` +
        "install a provider that was built for an older CUDA (`ssm-scope cuda install --help`).",
    );
}

/** cudaRuntimeGetVersion, which needs no device. */
export function runtimeVersionOf(cudart: Library): string {
  const address = cudart.symbol("cudaRuntimeGetVersion");
  if (address === null)
    throw new UserError(`${cudart.path} is not the CUDA runtime: it does not export cudaRuntimeGetVersion.`);
  const { decode, proto } = koffi();
  const version = new Int32Array(1);
  const code = (decode(address, proto("int", ["void*"])) as (version: Int32Array) => number)(version);
  if (code !== 0) throw new UserError(`The CUDA runtime at ${cudart.path} does not start: error ${code}.`);
  return cudaVersionText(version[0]!);
}
