/** ONNX Runtime through its C API: the one door to it. */
export { openRuntime, type Runtime } from "./runtime.js";
export { type Session } from "./session.js";
export { type SessionOptions } from "./session-options.js";
export { type RunOptions } from "./run-options.js";
export { type Binding } from "./binding.js";
export { type ValueInfo } from "./value-info.js";
export { readModelFile, type ModelFile } from "./model-file.js";
export { type Tensor } from "./tensor.js";
export { type PrepackedWeights } from "./prepacked-weights.js";
export { type MemoryStatistics } from "./memory-statistics.js";
export { DTYPES, type DType, type TypedArray } from "./dtype.js";
export type { CudaFacts, Device, TensorSpec } from "./device.js";
export type { CudaVersions } from "./cuda/versions.js";
export { ARENA_STRATEGIES, assertOther, providerOptions, type CudaOptions } from "./cuda/options.js";
export { findOperators, operatorsFor, operatorSources } from "./ops/index.js";
export { CudaError, NativeError, OrtError } from "./error.js";
