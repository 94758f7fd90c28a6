import { lowerings } from "../../models/index.js";
import type { Cell } from "../plan.js";
import type { GatePlan, Way } from "./plan.js";
import type { Setting } from "./setting.js";

/** float32 on the CPU, the recurrence token by token: the graphs that agree with Hugging Face transformers. */
export function referenceOf({ model, weights }: Pick<Setting, "model" | "weights">): Setting {
  const lowering = lowerings(model).length > 0 ? "linear-attention" : null;
  return {
    model,
    ...(weights && { weights }),
    ep: "cpu",
    dtype: "fp32",
    quant: null,
    lowering,
    decodeLowering: lowering,
    cuda: null,
    cudaGraph: null,
  };
}

/** A cell for the longest prompt of a way, so that one generator takes them all. */
export function cellOf(
  { deviceId, seed }: Pick<GatePlan, "deviceId" | "seed">,
  setting: Setting,
  { segmentTokens, prompts }: Way,
): Cell {
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
