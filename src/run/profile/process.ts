/**
 * The process that times the passes of one cell and ends. A GPU's launches wait for their kernels only if the environment
 * says so before CUDA is opened, and for the profiled passes only. Started by own-process.ts.
 */
import type { Row } from "../../record/index.js";
import { failureColumns } from "../rows.js";
import { loadAndTimePasses, type CellPasses, type PassesJob } from "./passes.js";

/** The one answer to a job: its passes, why they could not be run, or a defect of ours. */
export type Answer =
  | { readonly type: "done"; readonly passes: CellPasses }
  | { readonly type: "failed"; readonly status: Row }
  | { readonly type: "error"; readonly name: string; readonly message: string; readonly stack: string };

async function answer(job: PassesJob): Promise<Answer> {
  try {
    return { type: "done", passes: await loadAndTimePasses(job) };
  } catch (error) {
    const status = failureColumns(error);
    if (status) return { type: "failed", status };
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    return { type: "error", name, message, stack: stack ?? message };
  }
}

// Nobody waits for the answer any more; handlers of native libraries would wait for work in flight.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
// Ctrl-C reaches the whole group; the parent decides.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
process.on("message", (job: PassesJob) => {
  void answer(job).then((message) => process.send?.(message, undefined, undefined, () => process.exit(0)));
});
process.send?.("ready");
