import { lowerings, type Lowering } from "../../src/models/index.js";
import type { Cell } from "../../src/run/index.js";
import type { Checkpoint } from "./checkpoint.js";
import { cpuOperators } from "./operators.js";

export function cellOf({ model }: Checkpoint, promptTokens: number, change: Partial<Cell> = {}): Cell {
  return {
    key: "",
    model,
    promptTokens,
    newTokens: 16,
    repeats: 1,
    batch: 1,
    ep: "cpu",
    dtype: "fp32",
    quant: null,
    lowering: lowerings(model)[0] ?? null,
    decodeLowering:
      change.lowering === "fused" ? "fused" : lowerings(model).length > 0 ? "linear-attention" : null,
    prefill: "chunked",
    segmentTokens: promptTokens,
    logits: "last",
    threads: 1,
    seed: 1,
    deviceId: null,
    cudaGraph: null,
    cuda: null,
    memoryBytes: null,
    beyondPositions: null,
    ...change,
  };
}

/** The lowerings to prove, or one run without any. */
export function variants({ model }: Checkpoint): (Lowering | null)[] {
  const all = lowerings(model);
  if (all.includes("fused")) cpuOperators();
  return all.length > 0 ? [...all] : [null];
}
