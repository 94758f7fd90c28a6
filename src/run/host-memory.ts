/** Whether JavaScript could not have the memory that it asked for: V8 has no class for that error. */
export const isOutOfHostMemory = (error: unknown): error is RangeError =>
  error instanceof RangeError && /allocation failed|Invalid typed array length/.test(error.message);
