import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { cost } from "../../src/models/index.js";
import { nodeEfficiency } from "../../src/profile/node-efficiency.js";
import { profile, readConfig } from "../../src/run/index.js";

const TOKENS = 48;

for (const name of ["qwen2", "mamba2"]) {
  test(`the FLOPs of ${name}'s nodes as they ran are those of its hyper-parameters`, async () => {
    const model = readConfig(join(import.meta.dirname, "../fixtures/hf", name, "config.json"));
    const { nodes } = await profile({
      models: [model],
      promptTokens: [TOKENS],
      phase: "prefill",
      passes: 2,
      lowering: "linear-attention",
      progress: "none",
      beyondPositions: true,
    });
    const { flopsBy } = cost(model, { phase: "prefill", promptTokens: TOKENS, batch: 1, dtype: "float32" });
    const classes = nodeEfficiency(nodes).objects() as { op_class: string; flops: number | null }[];
    const ofClasses = (...wanted: string[]): number =>
      classes
        .filter(({ op_class }) => wanted.includes(op_class))
        .reduce((sum, { flops }) => sum + (flops ?? 0), 0) / 2;
    assert.equal(ofClasses("gemm", "logits"), flopsBy.linear + flopsBy.head);
    assert.equal(ofClasses("attention"), flopsBy.attention);
    assert.equal(ofClasses("conv1d"), flopsBy.convolution);
  });
}
