import { existsSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { UserError } from "../errors.js";
import type { Api } from "./api.js";
import { providerOptions, type CudaOptions } from "./cuda/options.js";
import type { Device } from "./device.js";
import { HANDLE, type Handle } from "./handle.js";
import type { PrepackedWeights } from "./prepacked-weights.js";
import type { Pointer } from "./signatures.js";
import { detachedError, type Tensor } from "./tensor.js";

export interface SessionOptions {
  /** Where the session computes: one of Runtime.device. Default: the CPU. */
  device?: Device;
  /** How it uses a CUDA device. */
  cuda?: CudaOptions;
  /** Libraries of custom operators to register: each exports RegisterCustomOps (onnxruntime_c_api.h). */
  customOps?: readonly string[];
  /** Threads that share the work of one operator; by default one for each physical core. */
  threads?: number;
  /**
   * Weights owned outside, by the name of the model's initializer. Sessions that are given the same tensors share them,
   * and each keeps them alive. A model given as bytes may declare them as external data of files that do not exist.
   *
   * The optimizer does not see these tensors, but the bytes in the model's file: an operator on weights alone, such as a
   * Transpose, is computed before the first run from those, or refused where there are none.
   */
  initializers?: ReadonlyMap<string, Tensor>;
  /** Where sessions over the same `initializers` keep the re-ordered weights of CPU kernels, once for all of them. */
  prepacked?: PrepackedWeights;
  /** Rewriting of the graph before it runs. Default: all. */
  optimization?: keyof typeof OPTIMIZATION_LEVELS;
  /** Turns profiling on; the profile's path is this prefix, a time and ".json". The folder must exist. */
  profilePrefix?: string;
  /** Keys of onnxruntime_session_options_config_keys.h. */
  config?: Readonly<Record<string, string>>;
  /** 0 verbose, 1 info, 2 warning (default), 3 error, 4 fatal. ONNX Runtime writes to standard error. */
  logSeverity?: number;
  /** Whether to plan one block of memory for a whole run, once the shapes repeat. Default: true. */
  memoryPattern?: boolean;
}

/** GraphOptimizationLevel of onnxruntime_c_api.h. */
const OPTIMIZATION_LEVELS = { none: 0, basic: 1, extended: 2, all: 99 } as const;

/** What the caller can put right, before any native object exists. */
export function assertSessionOptions(options: SessionOptions, model: Uint8Array | string): void {
  const { threads, optimization, logSeverity, profilePrefix, customOps = [] } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 4096))
    throw new UserError(`threads is ${threads}; it must be a whole number from 1 to 4096.`);
  if (optimization !== undefined && !Object.hasOwn(OPTIMIZATION_LEVELS, optimization))
    throw new UserError(
      `optimization is "${optimization}"; it must be one of ${Object.keys(OPTIMIZATION_LEVELS).join(", ")}.`,
    );
  if (logSeverity !== undefined && ![0, 1, 2, 3, 4].includes(logSeverity))
    throw new UserError(`logSeverity is ${logSeverity}; it must be 0 (verbose) to 4 (fatal).`);
  // ONNX Runtime would profile into a file that it could not open, and say nothing.
  if (profilePrefix !== undefined && !existsSync(dirname(resolve(profilePrefix))))
    throw new UserError(`profilePrefix is "${profilePrefix}", but its folder does not exist.`);
  if (options.cuda && options.device?.ep !== "cuda")
    throw new UserError("The session has CUDA options, but its device is the CPU.");
  const missing = customOps.find((path) => !existsSync(path));
  if (missing !== undefined) throw new UserError(`There is no library of custom operators at ${missing}.`);
  if (typeof model !== "string") {
    if (!ArrayBuffer.isView(model))
      throw new UserError("The model must be a Uint8Array, or the path of a file.");
    if (model.byteLength === 0) throw new UserError("The model has no bytes.");
  } else if (!statSync(model, { throwIfNoEntry: false })?.isFile())
    throw new UserError(`There is no model file at ${model}.`);
}

/** Calls `use` with an OrtSessionOptions, which lives for that call only: a session copies what it needs. */
export function withSessionOptions<T>(api: Api, options: SessionOptions, use: (native: Pointer) => T): T {
  const native = api.CreateSessionOptions();
  try {
    fill(api, native, options);
    return use(native);
  } finally {
    api.ReleaseSessionOptions(native);
  }
}

function fill(api: Api, native: Pointer, options: SessionOptions): void {
  const { threads, optimization = "all", logSeverity, profilePrefix, memoryPattern = true } = options;
  api.SetSessionGraphOptimizationLevel(native, OPTIMIZATION_LEVELS[optimization]);
  if (threads !== undefined) api.SetIntraOpNumThreads(native, threads);
  if (logSeverity !== undefined) api.SetSessionLogSeverityLevel(native, logSeverity);
  if (profilePrefix !== undefined) api.EnableProfiling(native, profilePrefix);
  if (!memoryPattern) api.DisableMemPattern(native);
  if (options.device?.cuda)
    appendCuda(api, native, {
      device_id: String(options.device.cuda.deviceId),
      ...providerOptions(options.cuda),
    });
  for (const path of options.customOps ?? []) api.RegisterCustomOpsLibrary_V2(native, path);
  for (const [key, value] of Object.entries(options.config ?? {}))
    api.AddSessionConfigEntry(native, key, value);
  for (const [name, tensor] of options.initializers ?? []) {
    const handle = tensor[HANDLE];
    if (handle.detached) throw detachedError();
    api.AddInitializer(native, name, handle.pointer);
  }
}

/** The session's operators run on CUDA where the provider has them. */
function appendCuda(api: Api, native: Pointer, options: Readonly<Record<string, string>>): void {
  const cuda = api.CreateCUDAProviderOptions();
  try {
    const keys = Object.keys(options);
    try {
      api.UpdateCUDAProviderOptions(cuda, keys, Object.values(options), keys.length);
    } catch (error) {
      const given = keys.map((key) => `${key}=${options[key]}`).join(", ");
      throw new UserError(
        `The CUDA provider does not take the options ${given}: ${(error as Error).message}`,
      );
    }
    api.SessionOptionsAppendExecutionProvider_CUDA_V2(native, cuda);
  } finally {
    api.ReleaseCUDAProviderOptions(cuda);
  }
}

/** What must outlive a session with these options. */
export function needsOf({ initializers, prepacked }: SessionOptions): Handle[] {
  const needs = [...(initializers?.values() ?? [])].map((tensor) => tensor[HANDLE]);
  return prepacked ? [...needs, prepacked[HANDLE]] : needs;
}
