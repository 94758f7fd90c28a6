import { randomPrompt } from "../../models/index.js";
import type { WeightSource } from "../weight-store.js";
import { cellOf, referenceOf } from "./cell.js";
import type { Gating } from "./judge.js";
import { askReference, type ReferenceRun } from "./measure.js";
import { lengthsOf, type GatePlan } from "./plan.js";
import { promptWork } from "./work.js";

/** The reference's answers to all prompts, by their length. Float32 logits of 65 + 9 positions a further prompt. */
export async function askAll(
  plan: GatePlan,
  source: WeightSource,
  { reference, progress, signal }: Gating,
): Promise<ReadonlyMap<number, ReferenceRun>> {
  const { model, prompts } = plan;
  const cell = cellOf(plan, referenceOf(plan), { segmentTokens: null, prompts });
  using engine = reference(cell, source);
  using answers = engine.open(cell, lengthsOf({ prompts }));
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
