import type { Progress } from "../progress.js";
import { weightsName } from "../rows.js";
import { unsupported } from "../support.js";
import { cellOf } from "./cell.js";
import { faultOf, type Check } from "./compare.js";
import type { Engine, OpenEngine } from "./engine.js";
import { gateKey, type GateFacts } from "./key.js";
import { askCandidate, checksOf, type Answers, type ReferenceRun } from "./measure.js";
import { lengthsOf, type GatePlan, type Prompt, type Way } from "./plan.js";
import { problemOf, type Problem } from "./problem.js";
import { forgetRecord, writeRecord } from "./record.js";
import type { GateResult } from "./result.js";
import { describeSetting, type Setting } from "./setting.js";
import { toleranceOf } from "./tolerances.js";
import { promptWork, providerWeight, waysWork } from "./work.js";

/** What all models of one call share. */
export interface Gating {
  readonly facts: GateFacts;
  readonly folder: string;
  readonly reference: OpenEngine;
  readonly candidate: OpenEngine;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

/** Judges one setting; what it did wrong is kept before its sessions are released, which may end the process. */
export async function judge(
  setting: Setting,
  plan: GatePlan,
  reference: ReadonlyMap<number, ReferenceRun>,
  engine: Engine,
  { facts, folder, progress, signal }: Gating,
): Promise<Judged> {
  const key = gateKey(setting, facts);
  const name = describeSetting({ ...setting, model: setting.model.name });
  let left = providerWeight(setting) * waysWork(plan.ways);
  const onPrompt = (prompt: Prompt): void => {
    const work = providerWeight(setting) * promptWork(prompt);
    left -= work;
    progress.step(work, name);
  };
  const keep = (checks: readonly Check[], problem: Problem | null): Judged => {
    const result = resultOf(setting, facts, checks, problem);
    const { status } = result;
    if (status === "passed" || status === "failed") writeRecord({ key, ...result, status, facts }, folder);
    progress.step(left, name);
    progress.line(verdictLine(name, result));
    return { result, fatal: problem?.fatal ?? false };
  };
  let broken: Judged | undefined;
  const onError = (error: unknown): void => {
    signal?.throwIfAborted();
    const problem = problemOf(error, setting);
    if (!problem) throw error;
    broken ??= keep([], problem);
  };
  forgetRecord(key, folder);
  progress.step(0, name);
  const refused = unsupported(setting.model, setting.ep, setting.dtype, setting.lowering);
  if (refused !== null) {
    progress.step(left, name);
    return keep([], { status: "unsupported", reason: refused, fatal: false });
  }
  const checks: Check[] = [];
  for (const way of plan.ways) {
    try {
      using answers = engine.open(cellOf(plan, setting, way), lengthsOf(way));
      await askInOneWay(answers, way, setting, reference, onPrompt, signal).then(
        (found) => checks.push(...found),
        onError,
      );
    } catch (error) {
      if (!broken) onError(error);
    }
    if (broken) break;
  }
  return broken ?? keep(checks, null);
}

export interface Judged {
  readonly result: GateResult;
  /** Whether nothing else can run on the device in this process. */
  readonly fatal: boolean;
}

async function askInOneWay(
  answers: Answers,
  { segmentTokens, prompts }: Way,
  setting: Setting,
  reference: ReadonlyMap<number, ReferenceRun>,
  onPrompt: (prompt: Prompt) => void,
  signal: AbortSignal | undefined,
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const prompt of prompts) {
    const run = reference.get(prompt.tokens)!;
    const differences = await askCandidate(answers, run, prompt.decoded, signal);
    checks.push(
      ...checksOf(differences, { promptTokens: prompt.tokens, segmentTokens }, toleranceOf(setting)),
    );
    onPrompt(prompt);
  }
  return checks;
}

function resultOf(
  setting: Setting,
  facts: GateFacts,
  checks: readonly Check[],
  problem: Problem | null,
): GateResult {
  const { model, ep, dtype, quant, lowering, decodeLowering, fusedProducts, cudaGraph } = setting;
  const tolerance = toleranceOf(setting);
  const fault = checks.map((check) => faultOf(check, tolerance)).find((found) => found !== null) ?? null;
  return {
    model: model.name,
    weights: weightsName(setting),
    ep,
    device: facts.device ?? "",
    dtype,
    quant,
    lowering,
    decodeLowering,
    ...(fusedProducts && { fusedProducts }),
    cudaGraph,
    status: problem?.status ?? (fault === null ? "passed" : "failed"),
    reason: problem?.reason ?? fault,
    tolerance,
    checks,
    measuredAt: new Date().toISOString(),
  };
}

function verdictLine(name: string, { status, reason, checks, tolerance }: GateResult): string {
  const worst = Math.max(...checks.map(({ maxError }) => maxError));
  const found =
    reason ?? `largest error ${worst.toExponential(1)}, tolerance ${tolerance.max.toExponential(1)}`;
  return `${name}: ${status} (${found})`;
}
