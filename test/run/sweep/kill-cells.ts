import type { AnyCell } from "../../../src/run/plan.js";

/** Cells of no model, as a made-up engine takes them: 30 with 4 samples each. */
export const killCells = (): AnyCell[] =>
  Array.from({ length: 30 }, (_, i) => ({
    key: `cell-${i}`,
    model: {
      name: `model-${i % 3}`,
      family: "ssm",
      hfId: null,
      parameters: null,
      config: { vocab_size: 64 },
      // An exported model's: of it nothing is counted.
      interface: {},
    },
    promptTokens: 100 + i,
    newTokens: 2,
    repeats: 4,
    batch: 1,
    ep: "cpu",
    deviceId: null,
    dtype: "fp32",
    quant: null,
    lowering: null,
    decodeLowering: null,
    prefill: "chunked",
    segmentTokens: null,
    logits: "last",
    threads: null,
    seed: 1,
    cudaGraph: null,
    cuda: null,
    memoryBytes: null,
    beyondPositions: null,
  }));
