import assert from "node:assert/strict";
import { test } from "node:test";
import type { Model } from "../../../src/models/index.js";
import { gateKey, type GateFacts } from "../../../src/run/gate/key.js";
import { settingOf, type Setting } from "../../../src/run/gate/setting.js";
import { plan, type Settings } from "../../../src/run/index.js";

const FACTS: GateFacts = {
  device: "NVIDIA H200",
  ort_version: "1.29.0",
  gpu_driver: "13.0",
  cuda_version: "13.0",
};
const setting = (change: Partial<Settings> = {}, graph = true): Setting =>
  settingOf(
    plan({ models: ["mamba2-130m"], promptTokens: [64], ep: "cuda", dtype: "fp16", ...change })[0]!,
    graph,
  );
const key = (change: Partial<Settings> = {}, graph = true): string => gateKey(setting(change, graph), FACTS);

test("a verdict holds for every length, repeat, seed and place of memory", () => {
  const others: Partial<Settings>[] = [
    { promptTokens: [4096], newTokens: 99, segmentTokens: 512 },
    { repeats: 9, seed: 7, batch: 2 },
    { logits: "all" },
    { arena: "same-as-requested", memoryBytes: 8 * 2 ** 30 },
    { lowering: "ssd-matmul", decodeLowering: "linear-attention" },
  ];
  assert.deepEqual(
    others.map((change) => key(change)),
    others.map(() => key()),
  );
});

test("anything that may change a number asks for a new verdict", () => {
  const { model } = setting();
  const edited = (change: object): Model => ({ ...model, config: { ...model.config, ...change } }) as Model;
  const keys = [
    key(),
    key({}, false),
    key({ dtype: "fp32" }),
    key({ lowering: "linear-attention" }),
    key({ decodeLowering: "ssd-matmul" }),
    key({ models: ["mamba-130m"] }),
    key({ tf32: true }),
    key({ cudnnConvSearch: "HEURISTIC" }),
    key({ epOptions: { prefer_nhwc: "1" } }),
    gateKey({ ...setting(), model: edited({ num_heads: 12, head_dim: 128 }) }, FACTS),
    gateKey({ ...setting(), model: edited({ layer_norm_epsilon: 1e-6 }) }, FACTS),
    ...Object.keys(FACTS).map((name) => gateKey(setting(), { ...FACTS, [name]: "another" })),
  ];
  assert.equal(new Set(keys).size, keys.length);
});
