/** OrtErrorCode of onnxruntime_c_api.h, by number. */
const CODE_NAMES = [
  "OK",
  "FAIL",
  "INVALID_ARGUMENT",
  "NO_SUCHFILE",
  "NO_MODEL",
  "ENGINE_ERROR",
  "RUNTIME_EXCEPTION",
  "INVALID_PROTOBUF",
  "MODEL_LOADED",
  "NOT_IMPLEMENTED",
  "INVALID_GRAPH",
  "EP_FAIL",
  "MODEL_LOAD_CANCELED",
  "MODEL_REQUIRES_COMPILATION",
  "NOT_FOUND",
] as const;

/**
 * ONNX Runtime has no code for "out of memory"; these are the words of its arena (bfc_arena.cc), of the C++ library and
 * of CUDA, cuBLAS and cuDNN.
 */
const OUT_OF_MEMORY =
  /Failed to allocate memory for requested buffer|Available memory of \d+ is smaller than requested|bad_alloc|bad allocation|out of memory|OUT_OF_MEMORY|cudaErrorMemoryAllocation|STATUS_ALLOC_FAILED/i;

/** The size in the arena's words. */
const REQUESTED = /requested (?:bytes of|buffer of size) (\d+)/;

/** After these CUDA errors the device's context is lost: nothing else can run in this process. */
const FATAL_CUDA = /CUDA (?:failure|error) (?:700|702|710|714|715|716|717|718|719|999)\b/i;

/** What a native library said. Wrong arguments that we notice ourselves are `UserError`s instead. */
export class NativeError extends Error {
  override readonly name: string = "NativeError";
  readonly isOutOfMemory: boolean;
  /** Bytes of the allocation that failed, where the library says so. */
  readonly requestedBytes: number | null;
  /** Whether the process cannot use the device any more. */
  readonly isFatal: boolean;

  constructor(message: string, requestedBytes: number | null = null) {
    super(message);
    this.isOutOfMemory = OUT_OF_MEMORY.test(message);
    const requested = REQUESTED.exec(message)?.[1];
    this.requestedBytes = requested === undefined ? requestedBytes : Number(requested);
    this.isFatal = FATAL_CUDA.test(message);
  }
}

/** What an OrtStatus said. */
export class OrtError extends NativeError {
  override readonly name = "OrtError";
  readonly codeName: string;

  /** @param call the C function that failed */
  constructor(
    call: string,
    readonly code: number,
    detail: string,
  ) {
    const codeName = CODE_NAMES[code] ?? `CODE_${code}`;
    super(`${call} failed (${codeName}): ${detail.trim()}`);
    this.codeName = codeName;
  }
}

/** What a function of the CUDA runtime returned instead of cudaSuccess. */
export class CudaError extends NativeError {
  override readonly name = "CudaError";

  constructor(
    call: string,
    readonly code: number,
    detail: string,
    requestedBytes: number | null = null,
  ) {
    super(`${call} failed (CUDA error ${code}): ${detail}`, requestedBytes);
  }
}
