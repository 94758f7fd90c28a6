import { UserError } from "../errors.js";
import { TorchTrace, type TorchProfile, type TraceFacts } from "./torch-trace.js";
import { readTraceEvents, type Chunks } from "./trace-events.js";

/**
 * A trace that PyTorch's profiler exported (`export_chrome_trace`), as rows by the classes of our own profiles. It is read as a
 * stream; of each operator and kernel its times, thread and name are kept. With `openProfile` the file may be compressed.
 *
 * Host times are of each operator less what is inside it; kernels go to the operator that launched them (`External id`, else the
 * `correlation` with a call of the runtime). The outermost operator that says what it is for decides the class; the fused mixers of
 * mamba_ssm, which hold projections and norms too, leave it to operators and kernels inside. Time in no operator or kernel is
 * launch_gap, so that the classes sum to the passes.
 *
 * @param facts what the trace does not say: the model, the length, the device, ...; they become columns
 * @param file for messages and the column `source`
 * @throws UserError for what is no trace, with the file and the event or byte
 */
export async function importTorchTrace(
  chunks: Chunks,
  facts: TraceFacts,
  file = "the trace",
): Promise<TorchProfile> {
  const trace = new TorchTrace(file);
  try {
    for await (const events of readTraceEvents(chunks)) for (const event of events) trace.add(event);
  } catch (error) {
    if (error instanceof UserError && !error.message.startsWith(file))
      throw new UserError(`${file}: ${error.message}`);
    throw error;
  }
  return trace.profile(facts);
}
