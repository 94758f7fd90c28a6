import { openApi, type Api } from "./api.js";
import { availableProviders } from "./available-providers.js";
import { CudaDevice, nothingModel } from "./cuda/device.js";
import { inspectCuda, openCuda } from "./cuda/open.js";
import { openCudaRuntime } from "./cuda/runtime-api.js";
import { cudaVersions, type CudaVersions } from "./cuda/versions.js";
import type { CudaFacts, Device } from "./device.js";
import type { DType } from "./dtype.js";
import { hostDevice } from "./host-device.js";
import { openRuntimeLibrary } from "./library.js";
import { PrepackedWeights } from "./prepacked-weights.js";
import type { SessionOptions } from "./session-options.js";
import { Session } from "./session.js";
import type { Pointer } from "./signatures.js";
import { tensorOver, type Host, type Tensor } from "./tensor.js";

/** An ONNX Runtime library in this process. It and its environment live as long as the process. */
export class Runtime {
  readonly #host: Host;
  #environment: Pointer | null = null;
  readonly #devices = new Map<string, Device>();

  /** Made by openRuntime. @internal */
  constructor(
    api: Api,
    readonly version: string,
    readonly library: string,
  ) {
    this.#host = { api, memoryInfo: api.CreateMemoryInfo("Cpu", DEVICE_ALLOCATOR, 0, DEFAULT_MEMORY) };
  }

  /** Execution providers that this build of the library has, in order of preference. */
  providers(): string[] {
    return availableProviders(this.#host.api);
  }

  /** Loads a model: its bytes, or the path of its file. */
  createSession(model: Uint8Array | string, options: SessionOptions = {}): Session {
    return new Session(this.#host, this.#environmentPointer(), model, options);
  }

  /**
   * A device to compute on: the CPU, or a CUDA device by its number among those that CUDA sees. One object a device.
   * Throws a UserError that says what is missing and how to get it.
   */
  device(ep: "cpu" | "cuda", deviceId = 0): Device {
    const key = ep === "cpu" ? ep : `${ep}:${deviceId}`;
    let device = this.#devices.get(key);
    if (!device) {
      device = ep === "cpu" ? hostDevice(this.#host) : this.#openCuda(deviceId);
      this.#devices.set(key, device);
    }
    return device;
  }

  /** A GPU's name and driver, after every check that `device` makes; nothing is loaded or made on it. */
  inspectCuda(deviceId: number): Pick<CudaFacts, "totalBytes" | "driverVersion"> & { name: string } {
    return inspectCuda(this.library, deviceId);
  }

  /** What sessions on a GPU will be made with; nothing is made on it. */
  cudaVersions(deviceId: number): CudaVersions {
    return cudaVersions(this.library, deviceId);
  }

  #openCuda(deviceId: number): Device {
    const { api } = this.#host;
    const { cudart, name, ...facts } = openCuda(this.library, deviceId);
    const memoryInfo = api.CreateMemoryInfo("Cuda", DEVICE_ALLOCATOR, deviceId, DEFAULT_MEMORY);
    const device = new CudaDevice({ api, memoryInfo }, openCudaRuntime(cudart, deviceId), name, facts);
    // ONNX Runtime dereferences the CUDA provider when it wraps a GPU's memory, and loads it with the first session.
    this.createSession(nothingModel(), { device })[Symbol.dispose]();
    return device;
  }

  createPrepackedWeights(): PrepackedWeights {
    return new PrepackedWeights(this.#host.api);
  }

  /** A tensor over the caller's memory: nothing is copied, and the tensor keeps the memory alive. */
  tensor(dtype: DType, shape: readonly number[], data: ArrayBufferView): Tensor {
    return tensorOver(this.#host, dtype, shape, data);
  }

  /**
   * ONNX Runtime has one environment a process (loggers, and providers once loaded), so it is made once, late as it
   * costs 10 ms or more, and never released: sessions may be in use until the very end of the process.
   */
  #environmentPointer(): Pointer {
    if (this.#environment === null) {
      const { api } = this.#host;
      this.#environment = api.CreateEnv(LOG_WARNING, "ssm-scope");
      api.DisableTelemetryEvents(this.#environment);
    }
    return this.#environment;
  }
}

// OrtAllocatorType, OrtMemType and OrtLoggingLevel of onnxruntime_c_api.h.
const DEVICE_ALLOCATOR = 0;
const DEFAULT_MEMORY = 0;
const LOG_WARNING = 2;

const opened = new Map<string, Runtime>();

/**
 * The ONNX Runtime to work with: the library that `library` or the environment variable SSM_SCOPE_ORT names, else the
 * one that onnxruntime-node ships. One object a library.
 */
export function openRuntime({ library }: { library?: string } = {}): Runtime {
  // Newer builds keep a telemetry device id and queue events; a measurement reports to nobody. Read when the library loads.
  process.env.ORT_DISABLE_TELEMETRY ??= "1";
  const found = openRuntimeLibrary(library);
  let runtime = opened.get(found.path);
  if (!runtime) {
    const { version, api } = openApi(found);
    runtime = new Runtime(api, version, found.path);
    opened.set(found.path, runtime);
  }
  return runtime;
}
