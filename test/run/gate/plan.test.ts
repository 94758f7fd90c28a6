import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../../src/errors.js";
import { lowerings, modelNames } from "../../../src/models/index.js";
import { planGate as planWith, type GatePlan, type GateSettings } from "../../../src/run/gate/plan.js";
import { describeSetting } from "../../../src/run/gate/setting.js";
import { loadCheckpoint } from "../../support/checkpoint.js";

/** Whatever this user has built. */
const planGate = (settings: GateSettings, built = false): GatePlan[] => planWith(settings, () => built);

const names = (settings: GateSettings): string[] =>
  planGate(settings).flatMap(({ candidates }) =>
    candidates.map((setting) => describeSetting({ ...setting, model: setting.model.name })),
  );

test("every dtype, pair of lowerings and CUDA graph setting meet", () => {
  assert.deepEqual(names({ models: ["gpt-neo-125m"], ep: "cuda", dtypes: ["fp16", "bf16"] }), [
    "gpt-neo-125m, cuda, fp16, no CUDA graph",
    "gpt-neo-125m, cuda, fp16, CUDA graph",
    "gpt-neo-125m, cuda, bf16, no CUDA graph",
    "gpt-neo-125m, cuda, bf16, CUDA graph",
  ]);
  assert.deepEqual(names({ models: ["mamba2-130m"], dtypes: ["fp32"] }), [
    "mamba2-130m, cpu, fp32, ssd-matmul",
    "mamba2-130m, cpu, fp32, ssd-matmul, decoding by linear-attention",
    "mamba2-130m, cpu, fp32, linear-attention, decoding by ssd-matmul",
    "mamba2-130m, cpu, fp32, linear-attention",
  ]);
  assert.equal(planGate({ models: ["mamba2-130m"], ep: "cuda" })[0]!.candidates.length, 3 * 4 * 2);
});

test("by default it is every model; a lowering leaves out those without one", () => {
  assert.deepEqual(
    planGate({}).map(({ model }) => model.name),
    modelNames(),
  );
  const some = planGate({ lowerings: ["ssd-matmul"], dtypes: ["fp32"] });
  assert.ok(some.length > 0 && some.every(({ model }) => lowerings(model).includes("ssd-matmul")));
  assert.ok(!some.some(({ model }) => model.arch === "mamba"));
  assert.ok(some.every(({ candidates }) => candidates.length === 1));
});

test("prompts go in in one piece, in segments of whole chunks and odd ones, also where all are whole, and 64 tokens follow the longest", () => {
  const [{ prompts, ways }] = planGate({ models: ["mamba2-130m"] }) as [ReturnType<typeof planGate>[0]];
  assert.deepEqual(
    prompts.map(({ tokens, decoded }) => [tokens, decoded]),
    [
      [1, 8],
      [64, 8],
      [130, 8],
      [192, 8],
      [257, 64],
    ],
  );
  assert.deepEqual(
    ways.map((way) => [way.segmentTokens, way.prompts.map(({ tokens }) => tokens)]),
    [
      [null, [1, 64, 130, 192, 257]],
      [64, [130, 192, 257]],
      [50, [64, 130, 192, 257]],
      [null, [192]],
      [64, [192]],
    ],
  );
});

test("further lengths are added, and lengths beyond a model's positions left out", () => {
  const lengths = (settings: GateSettings): number[] =>
    planGate(settings)[0]!.prompts.map(({ tokens }) => tokens);
  assert.deepEqual(
    lengths({ models: ["mamba2-130m"], promptTokens: [1000, 64] }),
    [1, 64, 130, 192, 257, 1000],
  );
  const { model } = loadCheckpoint("gpt_neo");
  assert.deepEqual(lengths({ models: [model] }), [1, 64, 130, 192], "256 positions");
});

test("fused operators are judged where they are built, and only with themselves", () => {
  const pairs = (built: boolean): string[] =>
    planGate({ models: ["mamba2-130m"], dtypes: ["fp32"] }, built)[0]!.candidates.map(
      ({ lowering, decodeLowering }) => `${lowering} ${decodeLowering}`,
    );
  assert.equal(pairs(false).length, 4);
  assert.deepEqual(
    pairs(true).filter((pair) => pair.includes("fused")),
    ["fused fused"],
  );
});

test("float32 on a GPU rounds to TF32 only when it may", () => {
  const tf32 = (settings: GateSettings): unknown =>
    planGate({ models: ["gpt-neo-125m"], ep: "cuda", ...settings })[0]!.candidates[0]!.cuda!.tf32;
  assert.equal(tf32({}), false);
  assert.equal(tf32({ cuda: { tf32: true } }), true);
});

const WRONG: [string, GateSettings, RegExp][] = [
  ["model", { models: ["mamba-2"] }, /there is no model "mamba-2"; did you mean/],
  ["no model", { models: [] }, /no model given/],
  ["provider", { ep: "tpu" as "cpu" }, /the execution provider is "tpu"; it must be "cpu" or "cuda"/],
  ["dtype", { dtypes: ["fp8" as "fp16"] }, /the dtype is "fp8"/],
  ["no dtype", { dtypes: [] }, /the dtype is missing; it must be one or several of fp16, fp32, bf16/],
  ["lowering", { lowerings: ["fusion"] as unknown as "auto" }, /the lowering is "fusion"/],
  ["lowering that is not built", { lowerings: ["fused"] }, /not built for this CPU/],
  [
    "lowering nobody has",
    { models: ["qwen2.5-0.5b", "mamba-130m"], lowerings: ["ssd-matmul"] },
    /no model given has the lowering ssd-matmul/,
  ],
  ["length", { promptTokens: [0] }, /a prompt length is 0/],
  [
    "too long",
    { models: ["gpt-neo-125m"], promptTokens: [2000] },
    /gpt-neo-125m has 2048 positions, .* make 2064/,
  ],
  ["device of a CPU", { deviceId: 1 }, /execution provider is cpu; add --ep cuda/],
  ["TF32 of a CPU", { cuda: { tf32: true } }, /execution provider is cpu; add --ep cuda/],
  ["device", { ep: "cuda", deviceId: -1 }, /the device id is -1/],
  ["seed", { seed: 0.5 }, /the seed is 0.5/],
];

for (const [name, settings, message] of WRONG)
  test(`wrong ${name} is refused in one sentence`, () => {
    assert.throws(
      () => planGate(settings),
      (error: unknown) => error instanceof UserError && message.test(error.message),
    );
  });
