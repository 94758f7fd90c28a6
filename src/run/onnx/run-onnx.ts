import type { ColumnTable } from "arquero";
import { runCells, type SweepOptions } from "../run.js";
import { planOnnx, type OnnxSettings } from "./plan.js";

export interface RunOnnxOptions extends OnnxSettings, SweepOptions {}

/**
 * `run` for a decoder in an .onnx file that others exported with the usual names: input_ids, attention_mask, position_ids,
 * past_key_values.N.key and .value (or states: past_conv.N, past_ssm.N) to logits and present.N.key and .value. It is
 * measured as the registry's models are, its caches on the device; such a model gives logits only, so a second small
 * session chooses the token, within the step that is timed.
 *
 * Throws UserError that names the input where the file asks for anything else.
 */
export async function runOnnx(path: string, options: RunOnnxOptions): Promise<ColumnTable> {
  return await runCells(planOnnx(path, options), options);
}
