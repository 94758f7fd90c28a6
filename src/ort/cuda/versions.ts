import { koffi } from "../../ffi/koffi.js";
import { openLibrary } from "../../ffi/library.js";
import { UserError } from "../../errors.js";
import { findProvider, inspectCuda, runtimeVersionOf } from "./open.js";
import { openCudart, type LibraryPlan } from "./libraries.js";

/** What a GPU's sessions are made with; null where a library does not say it. */
export interface CudaVersions {
  readonly name: string;
  readonly uuid: string | null;
  readonly totalBytes: number;
  /** Newest CUDA that the driver supports: "13.0". */
  readonly driverVersion: string;
  /** Of libcudart. */
  readonly runtimeVersion: string | null;
  readonly cudnnVersion: string | null;
  /** ONNX Runtime's version that the provider was built with. */
  readonly providerVersion: string | null;
}

/** Asks the libraries that sessions on the device will load. UserError where there is no such device, driver or provider. */
export function cudaVersions(runtimeLibrary: string, deviceId: number): CudaVersions {
  const { name, uuid, totalBytes, driverVersion, plan } = inspectCuda(runtimeLibrary, deviceId);
  return {
    name,
    uuid,
    totalBytes,
    driverVersion,
    runtimeVersion: known(() => runtimeVersionOf(openCudart(plan))),
    cudnnVersion: known(() => cudnnVersion(plan)),
    providerVersion: findProvider(runtimeLibrary).provider.version,
  };
}

/** Libraries that do not open are told of when a session needs them. */
function known(ask: () => string | null): string | null {
  try {
    return ask();
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}

/** cudnnGetVersion: 91002 is 9.10.2 (CUDNN_VERSION of cudnn_version.h, from cuDNN 9 on). */
function cudnnVersion({ libraries }: LibraryPlan): string | null {
  const found = libraries.find(({ name }) => name.startsWith("libcudnn.so."))?.found;
  if (!found) return null;
  const address = openLibrary("cuDNN", [found], "").symbol("cudnnGetVersion");
  if (address === null) return null;
  const { decode, proto } = koffi();
  return cudnnVersionText(Number((decode(address, proto("size_t", [])) as () => number | bigint)()));
}

export const cudnnVersionText = (number: number): string =>
  `${Math.floor(number / 10_000)}.${Math.floor((number % 10_000) / 100)}.${number % 100}`;
