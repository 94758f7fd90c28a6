import { UserError } from "../../errors.js";
import type { Library } from "../../ffi/library.js";

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
 * Checks the driver, the provider beside `runtimeLibrary` and the device, and loads the CUDA libraries that the
 * provider needs, so that CUDA sessions can be made. Throws a UserError of one sentence with the way out.
 */
export function openCuda(runtimeLibrary: string, deviceId: number): OpenedCuda {
  throw new UserError(`No CUDA device ${deviceId} can be opened for ${runtimeLibrary} yet.`);
}
