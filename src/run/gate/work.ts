import type { GatePlan, Prompt, Way } from "./plan.js";
import type { Setting } from "./setting.js";

// How long things take, in units of a prompt token on the CPU: a decoded one is some ten times as slow, a GPU some twenty
// times as fast.
export const promptWork = ({ tokens, decoded }: Prompt): number => tokens + 10 * decoded;
export const waysWork = (ways: readonly Way[]): number =>
  ways.reduce((sum, { prompts }) => sum + prompts.reduce((part, prompt) => part + promptWork(prompt), 0), 0);
export const providerWeight = ({ ep }: Setting): number => (ep === "cpu" ? 1 : 0.05);

/** References that the candidates need: one for all float types, one for each quantised one. */
const references = (candidates: readonly Setting[]): number =>
  new Set(candidates.map(({ dtype, quant }) => (quant ? dtype : "float"))).size;

export const workOf = ({ prompts, ways, candidates }: GatePlan): number =>
  references(candidates) * prompts.reduce((sum, prompt) => sum + promptWork(prompt), 0) +
  candidates.reduce((sum, setting) => sum + providerWeight(setting) * waysWork(ways), 0);
