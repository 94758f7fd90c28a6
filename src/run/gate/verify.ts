import { lowerings, randomPrompt, RandomWeights, type Model } from "../../models/index.js";
import type { Cell } from "../plan.js";
import { showProgress, silentProgress, type Progress } from "../progress.js";
import type { WeightSource } from "../weight-store.js";
import { faultOf, type Check } from "./compare.js";
import { gateFacts, openEngine, type Engine, type OpenEngine } from "./engine.js";
import { gateKey, type GateFacts } from "./key.js";
import { askCandidate, askReference, checksOf, type ReferenceRun } from "./measure.js";
import { planGate, type GatePlan, type GateSettings, type Prompt, type Way } from "./plan.js";
import { problemOf, type Problem } from "./problem.js";
import { forgetRecord, gateFolder, prepareFolder, writeRecord } from "./record.js";
import type { GateResult } from "./result.js";
import { describeSetting, type Setting } from "./setting.js";
import { toleranceOf } from "./tolerances.js";

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

/** The gate was stopped from outside; what was judged before is in `results`. */
export class VerifyInterruptedError extends Error {
  override readonly name = "InterruptedError";
  constructor(readonly results: readonly GateResult[]) {
    super(`interrupted; ${results.length} verdicts are kept`);
  }
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
      throw new VerifyInterruptedError(results);
    throw error;
  } finally {
    gate.progress.stop();
  }
  return results;
}

/** What all models of one call share. */
interface Gating extends Required<NonNullable<VerifyOptions["engines"]>> {
  readonly facts: GateFacts;
  readonly folder: string;
  readonly progress: Progress;
  readonly signal: AbortSignal | undefined;
}

/** Judges all settings of one model against one reference, which is asked once. */
async function judgeModel(plan: GatePlan, gate: Gating, results: GateResult[]): Promise<void> {
  const source = new RandomWeights(plan.seed);
  const reference = await askAll(plan, source, gate);
  for (const dtype of new Set(plan.candidates.map((setting) => setting.dtype))) {
    // Sessions share weights, and weights have one type.
    const candidates = plan.candidates.filter((setting) => setting.dtype === dtype);
    using engine = gate.candidate(cellOf(plan, candidates[0]!, null), source);
    for (const setting of candidates) {
      const { result, fatal } = await judge(setting, plan, reference, engine, gate);
      results.push(result);
      gate.progress.line(verdictLine(setting, result));
      if (fatal)
        throw new Error(`${describeSetting(setting)}: ${result.reason}; the device is lost to this process`);
    }
  }
}

/** The reference's answers to all prompts, by their length. Float32 logits of 65 + 9 positions a further prompt. */
async function askAll(
  plan: GatePlan,
  source: WeightSource,
  { reference, progress, signal }: Gating,
): Promise<ReadonlyMap<number, ReferenceRun>> {
  const { model, prompts } = plan;
  const cell = cellOf(plan, referenceOf(model), null);
  using engine = reference(cell, source);
  using answers = engine.open(cell);
  const runs = new Map<number, ReferenceRun>();
  for (const [i, prompt] of prompts.entries()) {
    progress.step(0, `${model.name}: reference, ${prompt.tokens} tokens`);
    // What follows the longest prompt is drawn at random too: tokens a model picks itself may come to repeat one another,
    // and would not show whether its state is in order. After the other prompts it picks, and so feeds itself.
    const text = i + 1 === prompts.length ? prompt.decoded : 0;
    const drawn = randomPrompt(prompt.tokens + text, 1, model.config.vocab_size, plan.seed);
    const run = await askReference(
      answers,
      drawn.slice(0, prompt.tokens),
      prompt.decoded,
      text > 0 ? drawn.slice(prompt.tokens) : null,
      signal,
    );
    runs.set(prompt.tokens, run);
    progress.step(promptWork(prompt), `${model.name}: reference, ${prompt.tokens} tokens`);
  }
  return runs;
}

/** float32 on the CPU, the recurrence token by token: the graphs that agree with Hugging Face transformers. */
function referenceOf(model: Model): Setting {
  const lowering = lowerings(model).length > 0 ? "linear-attention" : null;
  return { model, ep: "cpu", dtype: "fp32", lowering, decodeLowering: lowering, cuda: null, cudaGraph: null };
}

interface Judged {
  readonly result: GateResult;
  readonly fatal: boolean;
}

async function judge(
  setting: Setting,
  plan: GatePlan,
  reference: ReadonlyMap<number, ReferenceRun>,
  engine: Engine,
  { facts, folder, progress, signal }: Gating,
): Promise<Judged> {
  const key = gateKey(setting, facts);
  forgetRecord(key, folder);
  const weight = providerWeight(setting);
  let left = weight * waysWork(plan.ways);
  const onPrompt = (prompt: Prompt): void => {
    left -= weight * promptWork(prompt);
    progress.step(weight * promptWork(prompt), describeSetting(setting));
  };
  progress.step(0, describeSetting(setting));
  let checks: Check[] = [];
  let problem: Problem | null = null;
  try {
    checks = await askInAllWays(setting, plan, reference, engine, onPrompt, signal);
  } catch (error) {
    signal?.throwIfAborted();
    problem = problemOf(error, setting);
    if (!problem) throw error;
  }
  progress.step(left, describeSetting(setting));
  const result = resultOf(setting, facts, checks, problem);
  const { status } = result;
  if (status === "passed" || status === "failed") writeRecord({ key, ...result, status, facts }, folder);
  return { result, fatal: problem?.fatal ?? false };
}

async function askInAllWays(
  setting: Setting,
  plan: GatePlan,
  reference: ReadonlyMap<number, ReferenceRun>,
  engine: Engine,
  onPrompt: (prompt: Prompt) => void,
  signal: AbortSignal | undefined,
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { segmentTokens, prompts } of plan.ways) {
    using answers = engine.open(cellOf(plan, setting, segmentTokens));
    for (const prompt of prompts) {
      const run = reference.get(prompt.tokens)!;
      const differences = await askCandidate(answers, run, prompt.decoded, signal);
      const where = { promptTokens: prompt.tokens, segmentTokens };
      checks.push(...checksOf(differences, where, toleranceOf(setting)));
      onPrompt(prompt);
    }
  }
  return checks;
}

function resultOf(
  setting: Setting,
  facts: GateFacts,
  checks: readonly Check[],
  problem: Problem | null,
): GateResult {
  const { model, ep, dtype, lowering, decodeLowering, cudaGraph } = setting;
  const tolerance = toleranceOf(setting);
  const fault = checks.map((check) => faultOf(check, tolerance)).find((found) => found !== null) ?? null;
  return {
    model: model.name,
    ep,
    device: facts.device ?? "",
    dtype,
    lowering,
    decodeLowering,
    cudaGraph,
    status: problem?.status ?? (fault === null ? "passed" : "failed"),
    reason: problem?.reason ?? fault,
    tolerance,
    checks,
    measuredAt: new Date().toISOString(),
  };
}

/** A cell with room for the longest prompt, so that one generator takes them all. */
function cellOf({ prompts, deviceId, seed }: GatePlan, setting: Setting, segmentTokens: number | null): Cell {
  const { cudaGraph } = setting;
  return {
    ...setting,
    key: "",
    promptTokens: Math.max(...prompts.map(({ tokens }) => tokens)),
    newTokens: Math.max(...prompts.map(({ decoded }) => decoded)) + 1,
    repeats: 1,
    batch: 1,
    deviceId: setting.ep === "cpu" ? null : deviceId,
    prefill: segmentTokens === null ? "monolithic" : "chunked",
    segmentTokens,
    logits: "last",
    threads: null,
    seed,
    cudaGraph: cudaGraph === null ? null : cudaGraph ? "on" : "off",
    memoryBytes: null,
    beyondPositions: null,
  };
}

function verdictLine(setting: Setting, { status, reason, checks, tolerance }: GateResult): string {
  const worst = Math.max(...checks.map(({ maxError }) => maxError));
  const found =
    reason ?? `largest error ${worst.toExponential(1)}, tolerance ${tolerance.max.toExponential(1)}`;
  return `${describeSetting(setting)}: ${status} (${found})`;
}

// How long things take, in units of a prompt token on the CPU: a decoded one is some ten times as slow, a GPU some twenty
// times as fast.
const promptWork = ({ tokens, decoded }: Prompt): number => tokens + 10 * decoded;
const waysWork = (ways: readonly Way[]): number =>
  ways.reduce((sum, { prompts }) => sum + prompts.reduce((part, prompt) => part + promptWork(prompt), 0), 0);
const providerWeight = ({ ep }: Setting): number => (ep === "cpu" ? 1 : 0.05);

const workOf = ({ prompts, ways, candidates }: GatePlan): number =>
  prompts.reduce((sum, prompt) => sum + promptWork(prompt), 0) +
  candidates.reduce((sum, setting) => sum + providerWeight(setting) * waysWork(ways), 0);
