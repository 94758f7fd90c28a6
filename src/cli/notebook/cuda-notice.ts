import { openRuntime } from "../../ort/index.js";
import { inspectCuda } from "../../ort/cuda/open.js";
import type { Notice } from "../../notebook/cell-handler.js";

/** Whether cells can measure on the first GPU, in a sentence: driver, device, provider and its libraries are looked at. */
export function cudaNotice(): Notice {
  try {
    const { name, computeCapability, totalBytes } = inspectCuda(openRuntime().library, 0);
    const gib = (totalBytes / 2 ** 30).toFixed(1);
    return {
      stream: "stdout",
      text: `CUDA is ready: ${name}, compute capability ${computeCapability}, ${gib} GiB. Measure on it with run({ …, ep: "cuda" }).`,
    };
  } catch (error) {
    // Whatever it was, a kernel that cannot measure on the GPU still runs cells.
    return {
      stream: "stderr",
      text: `CUDA cannot be used here, and cells run without it (ep: "cpu"): ${(error as Error).message}`,
    };
  }
}
