import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/errors.js";
import { plan as planWith, type Cell, type Settings } from "../../src/run/index.js";
import { NativeError } from "../../src/ort/index.js";
import { arenaLimit, assertWithin } from "../../src/run/memory-budget.js";

/** Whatever this user has built. */
const plan = (settings: Settings, built = false): Cell[] => planWith(settings, () => built);

const settings = (change: Partial<Settings> = {}): Settings => ({
  models: ["gpt-neo-125m", "mamba2-130m"],
  promptTokens: [128, 512],
  ...change,
});

test("every model meets every length, once", () => {
  const cells = plan(
    settings({ models: ["gpt-neo-125m", "mamba2-130m", "gpt-neo-125m"], promptTokens: [128, 512, 128] }),
  );
  assert.deepEqual(
    cells.map(({ model, promptTokens }) => [model.name, promptTokens]),
    [
      ["gpt-neo-125m", 128],
      ["gpt-neo-125m", 512],
      ["mamba2-130m", 128],
      ["mamba2-130m", 512],
    ],
  );
});

test("defaults are decided in the plan", () => {
  const [neo, , mamba] = plan(settings({ promptTokens: [100, 200] }));
  assert.equal(neo!.lowering, null);
  assert.equal(mamba!.lowering, "ssd-matmul");
  assert.deepEqual(
    [neo!.segmentTokens, neo!.newTokens, neo!.repeats, neo!.batch, neo!.dtype],
    [8192, 16, 5, 1, "fp32"],
  );
  const whole = plan(settings({ promptTokens: [20000], models: ["mamba-130m"], prefill: "monolithic" }))[0]!;
  assert.equal(whole.segmentTokens, null);
});

test("fused operators are the default where they are built, for prefill and decoding", () => {
  const of = (change: Partial<Settings>, built = true): unknown[] => {
    const [neo, mamba] = plan(settings({ promptTokens: [64], ...change }), built);
    assert.equal(neo!.lowering, null);
    return [mamba!.lowering, mamba!.decodeLowering];
  };
  assert.deepEqual(of({}), ["fused", "fused"]);
  assert.deepEqual(of({ ep: "cuda" }), ["fused", "fused"]);
  assert.deepEqual(of({}, false), ["ssd-matmul", "linear-attention"]);
  const hybrid = (ep: "cpu" | "cuda"): unknown =>
    plan(settings({ models: ["falcon-h1-0.5b"], promptTokens: [64], ep }), true)[0]!.lowering;
  assert.equal(hybrid("cpu"), "fused");
  assert.equal(hybrid("cuda"), "fused");
  assert.deepEqual(of({ lowering: "fused" }), ["fused", "fused"]);
  assert.deepEqual(of({ decodeLowering: "fused" }), ["fused", "fused"]);
  assert.deepEqual(of({ lowering: "linear-attention" }), ["linear-attention", "linear-attention"]);
  assert.deepEqual(of({ decodeLowering: "ssd-matmul" }), ["ssd-matmul", "ssd-matmul"]);
});

test("with fused operators an SSM runs in bfloat16 on a GPU", () => {
  const [cell] = plan(settings({ models: ["mamba-130m"], ep: "cuda", dtype: "bf16" }), true);
  assert.equal(cell!.lowering, "fused");
});

test("fused and stock operators do not share a state, and what is not built cannot be used", () => {
  const refused = (change: Partial<Settings>, built: boolean, message: RegExp): void => {
    assert.throws(
      () => plan(settings({ models: ["mamba2-130m"], ...change }), built),
      (error: unknown) => error instanceof UserError && message.test(error.message),
    );
  };
  const mixed = /"ssd-matmul" and that of decoding "fused".*use fused for both, or for neither/;
  refused({ lowering: "ssd-matmul", decodeLowering: "fused" }, true, mixed);
  refused(
    { lowering: "fused", decodeLowering: "linear-attention" },
    true,
    /"fused" and that of decoding "linear-attention"/,
  );
  refused({ lowering: "fused" }, false, /not built for this CPU; build them with `ssm-scope ops build`/);
  refused({ lowering: "fused", ep: "cuda" }, false, /not built for this GPU/);
});

test("a GPU computes in float16, with a graph where it can, without TF32 and without a larger arena than asked for", () => {
  const [cell] = plan(settings({ ep: "cuda", like: "orin-nano" }));
  assert.equal(cell!.dtype, "fp16");
  assert.equal(cell!.deviceId, 0);
  assert.equal(cell!.cudaGraph, "auto");
  assert.deepEqual(cell!.cuda, { tf32: false, arena: "same-as-requested" });
  assert.equal(cell!.memoryBytes, 7620 * 2 ** 20);
  const [onCpu] = plan(settings());
  assert.deepEqual(
    [onCpu!.deviceId, onCpu!.cudaGraph, onCpu!.cuda, onCpu!.memoryBytes],
    [null, null, null, null],
  );
});

test("an allocator gets what a budget has left, and never none, which would be no limit", () => {
  assert.equal(arenaLimit(1000_000, 400_000), 600_000);
  assert.equal(arenaLimit(1000_000, 2000_000), 4096);
});

test("a budget that cannot hold a block is out of memory, with the block's size", () => {
  assertWithin(null, 1e12, "weights", 1e12);
  assertWithin(1000, 400, "weights", 600);
  const refused = (used: number, bytes: number): NativeError => {
    try {
      assertWithin(1000, used, "caches and states", bytes);
    } catch (error) {
      return error as NativeError;
    }
    return assert.fail("it fitted");
  };
  const error = refused(400, 601);
  assert.match(
    error.message,
    /out of memory: caches and states of 601 bytes, with 400 in use, over the budget of 1000/,
  );
  assert.ok(error.isOutOfMemory);
  assert.equal(error.requestedBytes, 601);
  const grown = refused(1001, 0);
  assert.ok(grown.isOutOfMemory);
  assert.equal(grown.requestedBytes, null);
});

test("a cell's key follows everything that decides its result, and nothing else", () => {
  const key = (change: Partial<Settings> = {}): string =>
    plan(settings({ models: ["mamba2-130m"], promptTokens: [64], ...change }))[0]!.key;
  assert.equal(key(), key());
  assert.equal(key({ repeats: 9 }), key(), "more samples of the same cell");
  assert.equal(key({ lowering: "ssd-matmul" }), key(), "the default, named");
  const others: Partial<Settings>[] = [
    { promptTokens: [65] },
    { newTokens: 17 },
    { batch: 2 },
    { dtype: "fp16" },
    { dtype: "int8" },
    { dtype: "int4" },
    { dtype: "int4", quantBlock: 128 },
    { dtype: "int4", quantCompute: "float" },
    { ep: "cuda", dtype: "int4" },
    { lowering: "linear-attention" },
    { prefill: "monolithic" },
    { segmentTokens: 32 },
    { logits: "all" },
    { threads: 1 },
    { seed: 2 },
    { models: ["mamba-130m"] },
    { decodeLowering: "ssd-matmul" },
    { ep: "cuda" },
    { ep: "cuda", deviceId: 1 },
    { ep: "cuda", cudaGraph: "off" },
    { ep: "cuda", arena: "next-power-of-two" },
    { ep: "cuda", tf32: true },
    { ep: "cuda", epOptions: { sdpa_kernel: "1" } },
    { ep: "cuda", memoryBytes: 2 ** 33 },
    { ep: "cuda", like: "rtx4090" },
  ];
  const keys = [key(), ...others.map(key)];
  assert.equal(new Set(keys).size, keys.length);
});

const WRONG: [string, Partial<Settings>, RegExp][] = [
  ["length 0", { promptTokens: [0] }, /a prompt length is 0; it must be a whole number of 1 or more/],
  ["negative length", { promptTokens: [-5] }, /a prompt length is -5/],
  ["half a token", { promptTokens: [1.5] }, /a prompt length is 1.5/],
  ["no length", { promptTokens: [] }, /no prompt length given/],
  ["no model", { models: [] }, /no model given/],
  ["unknown model", { models: ["gpt-neo"] }, /no model "gpt-neo"; did you mean gpt-neo-125m/],
  ["no repeats", { repeats: 0 }, /the number of repeats is 0/],
  ["no new tokens", { newTokens: 0 }, /the number of new tokens is 0/],
  ["no threads", { threads: 0 }, /the number of threads is 0/],
  ["odd dtype", { dtype: "fp8" as "fp16" }, /the dtype is "fp8"; it must be "fp32" or "fp16"/],
  [
    "foreign lowering",
    { models: ["mamba-130m"], lowering: "ssd-matmul" },
    /mamba-130m has no lowering "ssd-matmul"; it has linear-attention and fused/,
  ],
  ["bf16 on a CPU", { dtype: "bf16" }, /the dtype bf16 needs a GPU \(--ep cuda\)/],
  [
    "a block of floats",
    { quantBlock: 32 },
    /quantBlock is 32, but fp32 weights are not quantised; add --dtype/,
  ],
  [
    "int8 products of floats",
    { dtype: "fp16", quantCompute: "int8" },
    /quantCompute is int8, but fp16 weights are not quantised/,
  ],
  ["an odd block", { dtype: "int4", quantBlock: 64 as 32 }, /the block .* is 64; it must be 32 or 128/],
  [
    "odd products",
    { dtype: "int4", quantCompute: "int4" as "int8" },
    /is "int4"; it must be "float" or "int8"/,
  ],
  [
    "int8 products on a GPU",
    { ep: "cuda", dtype: "int4", quantCompute: "int8" },
    /compute in int8 on the CPU only/,
  ],
  [
    "a budget below the weights in int4",
    { ep: "cuda", dtype: "int4", memoryBytes: 1e8 },
    // Embedding and positions in float16; 12 d² a layer in 4 bits and a scale for 32 of them; norms and biases in float16.
    /the weights of gpt-neo-125m in int4 alone are 128303616;/,
  ],
  ["a budget below the weights", { memoryBytes: 1 }, /the memory budget is 1 bytes, but the weights of/],
  ["a GPU's name on a CPU", { like: "rtx4090" }, /like is "rtx4090", but only a GPU has it; add --ep cuda/],
  ["a graph on a CPU", { cudaGraph: "on" }, /cudaGraph is "on", but only a GPU has it/],
  [
    "attention in float32 on a GPU",
    { ep: "cuda", dtype: "fp32" },
    /the dtype is fp32, but gpt-neo-125m needs/,
  ],
  [
    "an SSM in bfloat16 on a GPU",
    { ep: "cuda", dtype: "bf16", models: ["mamba-130m"] },
    /the dtype is bf16, but mamba-130m needs CausalConvWithState.*use fp16 or fp32, or the lowering fused/,
  ],
  [
    "a hybrid in float32 on a GPU",
    { ep: "cuda", dtype: "fp32", models: ["falcon-h1-0.5b"] },
    /falcon-h1-0.5b needs GroupQueryAttention.*use fp16$/,
  ],
  [
    "a hybrid in bfloat16 on a GPU",
    { ep: "cuda", dtype: "bf16", models: ["falcon-h1-0.5b"] },
    /falcon-h1-0.5b needs CausalConvWithState.*use fp16, or the lowering fused$/,
  ],
  ["device id", { ep: "cuda", deviceId: -1 }, /the device id is -1; it must be a whole number of 0 or more/],
  [
    "a budget below the weights",
    { ep: "cuda", memoryBytes: 2e8 },
    /the memory budget is 200000000 bytes, but the weights of gpt-neo-125m in fp16 alone are 250397184/,
  ],
  ["no budget at all", { ep: "cuda", memoryBytes: 0 }, /the memory budget is 0/],
  ["two budgets", { ep: "cuda", memoryBytes: 2 ** 33, like: "rtx4090" }, /the memory budget is given twice/],
  ["like nothing known", { ep: "cuda", like: "gtx" }, /no device "gtx".*rtx4090 or orin-nano/],
  ["odd arena", { ep: "cuda", arena: "huge" as "same-as-requested" }, /the arena is "huge"; it must be/],
  [
    "beyond positions",
    { promptTokens: [2040], newTokens: 16 },
    /gpt-neo-125m has 2048 positions, but prompt and new tokens make 2056.*--beyond-positions/,
  ],
];

for (const [name, change, message] of WRONG)
  test(`${name} is refused in one sentence`, () => {
    assert.throws(
      () => plan(settings(change)),
      (error: unknown) => {
        assert.ok(error instanceof UserError);
        assert.match(error.message, message);
        return true;
      },
    );
  });

test("beyond the positions, when allowed, the cell says so", () => {
  const cells = plan(settings({ promptTokens: [4096], beyondPositions: true }));
  assert.deepEqual(
    cells.map(({ beyondPositions }) => beyondPositions),
    [2048, null],
  );
});
