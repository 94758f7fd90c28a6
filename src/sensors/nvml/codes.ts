/** nvmlReturn_t of nvml.h, by the names without NVML_ERROR_. */
const CODES: Readonly<Record<number, string>> = {
  1: "UNINITIALIZED",
  2: "INVALID_ARGUMENT",
  3: "NOT_SUPPORTED",
  4: "NO_PERMISSION",
  6: "NOT_FOUND",
  7: "INSUFFICIENT_SIZE",
  8: "INSUFFICIENT_POWER",
  9: "DRIVER_NOT_LOADED",
  10: "TIMEOUT",
  11: "IRQ_ISSUE",
  12: "LIBRARY_NOT_FOUND",
  13: "FUNCTION_NOT_FOUND",
  14: "CORRUPTED_INFOROM",
  15: "GPU_IS_LOST",
  16: "RESET_REQUIRED",
  17: "OPERATING_SYSTEM",
  18: "LIB_RM_VERSION_MISMATCH",
  20: "MEMORY",
  21: "NO_DATA",
  23: "INSUFFICIENT_RESOURCES",
  25: "ARGUMENT_VERSION_MISMATCH",
  27: "NOT_READY",
  28: "GPU_NOT_FOUND",
  29: "INVALID_STATE",
  999: "UNKNOWN",
};

export const SUCCESS = 0;
export const INSUFFICIENT_SIZE = 7;
export const FUNCTION_NOT_FOUND = 13;
const LIB_RM_VERSION_MISMATCH = 18;

/** Nothing more comes from the GPU, or from the driver. */
export const isGone = (code: number): boolean => [1, 9, 15, 16, 18, 28].includes(code);

/** The fact will not be told, now or later; any other failure but these and a lost GPU is of one call. */
export const isRefusal = (code: number): boolean => [2, 3, 4, 13, 25].includes(code);

export const codeName = (code: number): string => CODES[code] ?? `error ${code}`;

/** What to do about a library that does not start, after "; ". */
export const remedy = (code: number): string =>
  code === LIB_RM_VERSION_MISMATCH
    ? "the driver was updated: restart the machine"
    : "see whether nvidia-smi works";
