/**
 * The C functions that we call, as data: result first, then parameters. api.ts binds them, and the types below turn
 * each row into the TypeScript signature of its binding, so that the two cannot drift apart.
 *
 * Results: `status` is an `OrtStatus*`, thrown as OrtError unless null. Parameters: `int` is a C int or enum, `size` a
 * size_t, `string` UTF-8, `strings` an array of them, `path` an ORTCHAR_T string (UTF-16 on Windows), `pointer` a handle or memory of a typed array.
 * A final `out` is the pointer through which the function gives its result (at most 8 bytes): the binding returns it.
 */
export const SIGNATURES = {
  // Status and build
  CreateStatus: ["pointer", "int", "string"],
  GetErrorCode: ["int", "pointer"],
  GetErrorMessage: ["string", "pointer"],
  ReleaseStatus: ["void", "pointer"],
  GetBuildInfoString: ["string"],
  GetAvailableProviders: ["status", "pointer", "pointer"],
  ReleaseAvailableProviders: ["status", "pointer", "int"],

  // Key-value pairs
  CreateKeyValuePairs: ["void", "out"],
  AddKeyValuePair: ["void", "pointer", "string", "string"],
  GetKeyValue: ["string", "pointer", "string"],
  ReleaseKeyValuePairs: ["void", "pointer"],

  // Environment
  CreateEnv: ["status", "int", "string", "out"],
  DisableTelemetryEvents: ["status", "pointer"],

  // Session options
  CreateSessionOptions: ["status", "out"],
  SetIntraOpNumThreads: ["status", "pointer", "int"],
  SetSessionGraphOptimizationLevel: ["status", "pointer", "int"],
  SetSessionLogSeverityLevel: ["status", "pointer", "int"],
  DisableMemPattern: ["status", "pointer"],
  EnableProfiling: ["status", "pointer", "path"],
  AddSessionConfigEntry: ["status", "pointer", "string", "string"],
  AddInitializer: ["status", "pointer", "string", "pointer"],
  RegisterCustomOpsLibrary_V2: ["status", "pointer", "path"],
  CreateCUDAProviderOptions: ["status", "out"],
  UpdateCUDAProviderOptions: ["status", "pointer", "strings", "strings", "size"],
  SessionOptionsAppendExecutionProvider_CUDA_V2: ["status", "pointer", "pointer"],
  ReleaseCUDAProviderOptions: ["void", "pointer"],
  ReleaseSessionOptions: ["void", "pointer"],

  // Session
  CreatePrepackedWeightsContainer: ["status", "out"],
  ReleasePrepackedWeightsContainer: ["void", "pointer"],
  CreateSession: ["status", "pointer", "path", "pointer", "out"],
  CreateSessionFromArray: ["status", "pointer", "pointer", "size", "pointer", "out"],
  CreateSessionWithPrepackedWeightsContainer: ["status", "pointer", "path", "pointer", "pointer", "out"],
  CreateSessionFromArrayWithPrepackedWeightsContainer: [
    "status",
    "pointer",
    "pointer",
    "size",
    "pointer",
    "pointer",
    "out",
  ],
  SessionGetInputCount: ["status", "pointer", "out"],
  SessionGetOutputCount: ["status", "pointer", "out"],
  SessionGetInputName: ["status", "pointer", "size", "pointer", "out"],
  SessionGetOutputName: ["status", "pointer", "size", "pointer", "out"],
  SessionGetInputTypeInfo: ["status", "pointer", "size", "out"],
  SessionGetOutputTypeInfo: ["status", "pointer", "size", "out"],
  SessionEndProfiling: ["status", "pointer", "pointer", "out"],
  ReleaseSession: ["void", "pointer"],

  // Types of inputs and outputs
  GetOnnxTypeFromTypeInfo: ["status", "pointer", "out"],
  CastTypeInfoToTensorInfo: ["status", "pointer", "out"],
  GetTensorTypeAndShape: ["status", "pointer", "out"],
  GetTensorElementType: ["status", "pointer", "out"],
  GetDimensionsCount: ["status", "pointer", "out"],
  GetDimensions: ["status", "pointer", "pointer", "size"],
  GetSymbolicDimensions: ["status", "pointer", "pointer", "size"],
  ReleaseTensorTypeAndShapeInfo: ["void", "pointer"],
  ReleaseTypeInfo: ["void", "pointer"],

  // Memory
  CreateMemoryInfo: ["status", "string", "int", "int", "int", "out"],
  GetAllocatorWithDefaultOptions: ["status", "out"],
  AllocatorFree: ["status", "pointer", "pointer"],
  CreateAllocator: ["status", "pointer", "pointer", "out"],
  AllocatorGetStats: ["status", "pointer", "out"],
  ReleaseAllocator: ["void", "pointer"],

  // Tensors
  CreateTensorAsOrtValue: ["status", "pointer", "pointer", "size", "int", "out"],
  CreateTensorWithDataAsOrtValue: ["status", "pointer", "pointer", "size", "pointer", "size", "int", "out"],
  GetTensorMutableData: ["status", "pointer", "out"],
  ReleaseValue: ["void", "pointer"],

  // Binding and running
  CreateIoBinding: ["status", "pointer", "out"],
  BindInput: ["status", "pointer", "string", "pointer"],
  BindOutput: ["status", "pointer", "string", "pointer"],
  BindOutputToDevice: ["status", "pointer", "string", "pointer"],
  SynchronizeBoundInputs: ["status", "pointer"],
  GetBoundOutputValues: ["status", "pointer", "pointer", "pointer", "pointer"],
  ReleaseIoBinding: ["void", "pointer"],
  CreateRunOptions: ["status", "out"],
  RunOptionsSetRunTag: ["status", "pointer", "string"],
  RunOptionsSetTerminate: ["status", "pointer"],
  AddRunConfigEntry: ["status", "pointer", "string", "string"],
  ReleaseRunOptions: ["void", "pointer"],
  RunWithBinding: ["status", "pointer", "pointer", "pointer"],
} as const satisfies Record<string, Signature>;

type Result = "status" | "void" | "pointer" | "int" | "string";
type Parameter = keyof ParameterTypes | "out";
export type Signature = readonly [Result, ...Parameter[]];
export type FunctionName = keyof typeof SIGNATURES;

export type Pointer = bigint;

interface ParameterTypes {
  int: number;
  size: number;
  string: string;
  strings: readonly string[];
  path: string;
  pointer: Pointer | ArrayBufferView | null;
}

interface ResultTypes {
  status: undefined;
  void: undefined;
  pointer: Pointer;
  int: number;
  string: string | null;
}

/** Arguments of a binding: the parameters without a final `out`. */
export type Arguments<P> = P extends readonly [infer H extends keyof ParameterTypes, ...infer T]
  ? [ParameterTypes[H], ...Arguments<T>]
  : [];

type Returned<S extends Signature> = S extends readonly [...unknown[], "out"] ? bigint : ResultTypes[S[0]];

/** The bound functions. */
export type Functions = {
  readonly [N in FunctionName]: (typeof SIGNATURES)[N] extends readonly [unknown, ...infer P]
    ? (...values: Arguments<P>) => Returned<(typeof SIGNATURES)[N]>
    : never;
};
