import { showProgress, silentProgress } from "../progress.js";
import { cellOf } from "./cell.js";
import { dequantized } from "./dequantized.js";
import { gateFacts, openEngine, type OpenEngine } from "./engine.js";
import { judge, type Gating } from "./judge.js";
import { planGate, type GatePlan, type GateSettings } from "./plan.js";
import { gateFolder, prepareFolder } from "./record.js";
import type { ReferenceRun } from "./measure.js";
import { askAll } from "./reference.js";
import type { GateResult } from "./result.js";
import { weightSource } from "../weight-source.js";
import { workOf } from "./work.js";

/** Which model is put to the gate, and in which settings. */
export interface VerifyOptions extends GateSettings {
  /** Where verdicts are kept for `run`. Default: `gateFolder()`. */
  folder?: string;
  /** A bar or lines on stderr (default), or nothing. */
  progress?: "auto" | "none";
  /** Stops after the step in flight; what was judged before is kept and is in the error's `results`. */
  signal?: AbortSignal;
  /** Where reference and candidates come from: other ones show that the gate closes. */
  engines?: { reference?: OpenEngine; candidate?: OpenEngine };
}

/** The gate did not come to its end; what was judged before is in `results`, and kept. */
export class UnfinishedError extends Error {
  override readonly name: string = "UnfinishedError";
  constructor(
    readonly results: readonly GateResult[],
    reason: string,
  ) {
    super(`${reason}; ${results.length} verdicts are kept`);
  }
}

/** It was stopped from outside. */
export class VerifyInterruptedError extends UnfinishedError {
  override readonly name = "InterruptedError";
}

/**
 * The numerical gate: puts the same weights, prompts and tokens to float32 on the CPU and to every setting of the
 * execution provider, and compares their logits. Verdicts are kept: rows of `run` say whether their setting passed.
 *
 * Throws UserError for settings that make no sense, before anything is measured.
 */
export async function verify(options: VerifyOptions = {}): Promise<GateResult[]> {
  const plans = planGate(options);
  const { ep = "cpu", signal, folder = gateFolder() } = options;
  const facts = gateFacts(ep, options.deviceId ?? 0);
  prepareFolder(folder);
  const total = plans.reduce((sum, plan) => sum + workOf(plan), 0);
  const gate: Gating = {
    facts,
    folder,
    progress: options.progress === "none" ? silentProgress : showProgress(total),
    signal,
    reference: options.engines?.reference ?? openEngine,
    candidate: options.engines?.candidate ?? openEngine,
  };
  const results: GateResult[] = [];
  try {
    for (const plan of plans) await judgeModel(plan, gate, results);
  } catch (error) {
    if (signal?.aborted && error instanceof Error && error.name === "AbortError")
      throw new VerifyInterruptedError(results, "interrupted");
    throw error;
  } finally {
    gate.progress.stop();
  }
  return results;
}

/** Judges all settings of one model: float types against one reference, a quantised one against its own weights. */
async function judgeModel(plan: GatePlan, gate: Gating, results: GateResult[]): Promise<void> {
  const source = weightSource(plan, (read, total) => {
    gate.progress.step(0, `${plan.model.name}: reading weights, ${Math.round((100 * read) / total)} %`);
  });
  let ofFloats: ReadonlyMap<number, ReferenceRun> | undefined;
  for (const dtype of new Set(plan.candidates.map((setting) => setting.dtype))) {
    // Sessions share weights, and weights have one type.
    const candidates = plan.candidates.filter((setting) => setting.dtype === dtype);
    const reference = candidates[0]!.quant
      ? await askAll(plan, dequantized(source, candidates[0]!), gate)
      : (ofFloats ??= await askAll(plan, source, gate));
    using engine = gate.candidate(
      cellOf(plan, candidates[0]!, { segmentTokens: null, prompts: plan.prompts }),
      source,
    );
    for (const setting of candidates) {
      const { result, fatal } = await judge(setting, plan, reference, engine, gate);
      results.push(result);
      if (fatal) throw new UnfinishedError(results, `the device is lost to this process: ${result.reason}`);
    }
  }
}
