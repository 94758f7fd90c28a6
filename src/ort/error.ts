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

/** What an OrtStatus said. Wrong arguments that we notice ourselves are `UserError`s instead. */
export class OrtError extends Error {
  override readonly name = "OrtError";
  readonly codeName: string;
  readonly isOutOfMemory: boolean;

  /** @param call the C function that failed */
  constructor(
    call: string,
    readonly code: number,
    detail: string,
  ) {
    const codeName = CODE_NAMES[code] ?? `CODE_${code}`;
    super(`${call} failed (${codeName}): ${detail.trim()}`);
    this.codeName = codeName;
    this.isOutOfMemory = OUT_OF_MEMORY.test(detail);
  }
}
