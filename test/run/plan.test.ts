import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/errors.js";
import { plan, type Settings } from "../../src/run/index.js";

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
    { lowering: "linear-attention" },
    { prefill: "monolithic" },
    { segmentTokens: 32 },
    { logits: "all" },
    { threads: 1 },
    { seed: 2 },
    { models: ["mamba-130m"] },
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
    /mamba-130m has no lowering "ssd-matmul"; it has linear-attention/,
  ],
  [
    "beyond positions",
    { promptTokens: [2040], newTokens: 16 },
    /gpt-neo-125m has 2048 positions, but prompt and new tokens make 2056.*--beyond-positions/,
  ],
  [
    "batch in segments",
    { batch: 2, segmentTokens: 64 },
    /gpt-neo-125m cannot carry its cache.*batch of 2.*monolithic/,
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
