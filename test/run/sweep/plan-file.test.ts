import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { UserError } from "../../../src/errors.js";
import { expandPlan, type Given } from "../../../src/run/sweep/plan-file.js";
import { plan } from "../../../src/run/plan.js";

const NONE = (): boolean => false;
const expand = (source: unknown, flags?: Given) => expandPlan(source, flags, NONE);

/** Model and length of each cell, with what is asked for. */
const outline = (source: unknown, key: "dtype" | "batch" | "memoryBytes" | "lowering" = "dtype"): unknown[] =>
  expand(source).cells.map((cell) => [cell.model.name, cell.promptTokens, cell[key]]);

const ONE = { models: "gpt-neo-125m", promptTokens: 128 };

suite("a plan's cells", () => {
  test("are those of plan(), keys included", () => {
    const settings = { models: ["gpt-neo-125m", "mamba2-130m"], promptTokens: [128, 256], newTokens: 4 };
    assert.deepEqual(expand(settings).cells, plan(settings, NONE));
  });

  test("are all lists crossed, model by model, lengths fastest; texts may hold lists and ranges", () => {
    const models = "gpt-neo-125m, mamba2-130m";
    assert.deepEqual(outline({ models, promptTokens: "128,256..1K*2", batch: [1, "2"] }, "batch"), [
      ...[1, 2].flatMap((batch) => [128, 256, 512, 1024].map((tokens) => ["gpt-neo-125m", tokens, batch])),
      ...[1, 2].flatMap((batch) => [128, 256, 512, 1024].map((tokens) => ["mamba2-130m", tokens, batch])),
    ]);
  });

  test("have sizes with units; null is a cell without a budget", () => {
    assert.deepEqual(
      outline({ ...ONE, ep: "cuda", memory: ["24GB", "8GiB", 5e9, null] }, "memoryBytes").map(
        (one) => (one as unknown[])[2],
      ),
      [24e9, 8 * 2 ** 30, 5e9, null],
    );
  });

  test("come from groups over what the plan says, with overrides for a model", () => {
    assert.deepEqual(
      outline(
        {
          promptTokens: [128, 256],
          groups: [{ models: ["gpt-neo-125m", "mamba2-130m"] }, { models: "mamba-130m", promptTokens: 512 }],
          overrides: { "mamba2-130m": { promptTokens: 64, lowering: ["linear-attention", "ssd-matmul"] } },
        },
        "lowering",
      ),
      [
        ["gpt-neo-125m", 128, null],
        ["gpt-neo-125m", 256, null],
        ["mamba2-130m", 64, "linear-attention"],
        ["mamba2-130m", 64, "ssd-matmul"],
        ["mamba-130m", 512, "linear-attention"],
      ],
    );
  });

  test("are there once: a Transformer has no lowering to differ in", () => {
    assert.equal(expand({ ...ONE, lowering: ["linear-attention", "ssd-matmul"] }).cells.length, 1);
  });

  test("are without those that have one of the excluded values of each key", () => {
    const source = { models: "gpt-neo-125m", promptTokens: "128..512*2", dtype: ["fp32", "fp16"] };
    assert.deepEqual(outline({ ...source, exclude: [{ dtype: "fp16", promptTokens: "256..512*2" }] }), [
      ["gpt-neo-125m", 128, "fp32"],
      ["gpt-neo-125m", 256, "fp32"],
      ["gpt-neo-125m", 512, "fp32"],
      ["gpt-neo-125m", 128, "fp16"],
    ]);
  });

  test("are what flags say before the plan, its groups and overrides", () => {
    const source = { ...ONE, groups: [{ batch: 2 }, { batch: 4 }], isolate: "model", timeout: "2min" };
    const { cells, options } = expand(source, { batch: "8", timeout: "90" });
    assert.deepEqual(
      cells.map(({ batch }) => batch),
      [8],
    );
    assert.deepEqual(options, { isolate: "model", timeoutS: 90 });
  });

  test("are measured as it says", () => {
    const how = {
      ...{ order: "sequential", orderSeed: 7, pause: 1.5, coolTo: 60, energy: true, bisect: true },
      ...{ warmUpTolerance: 0.02, warmUpBlock: 3 },
    };
    assert.deepEqual(expand({ ...ONE, ...how }).options, {
      ...{ order: "sequential", orderSeed: 7, pauseS: 1.5, coolToC: 60, energy: true, bisect: true },
      warmUp: { tolerance: 0.02, blockRuns: 3 },
    });
  });
});

const WRONG: [what: string, source: unknown, sentence: string | RegExp, flags?: Given][] = [
  ["not an object", [ONE], /^the plan is \[.*\]; it must be an object$/],
  [
    "an unknown key",
    { ...ONE, promtTokens: 5 },
    "promtTokens: there is no such key in a plan; did you mean promptTokens?",
  ],
  [
    "one in a group",
    { ...ONE, groups: [{}, { dtpye: "fp32" }] },
    "groups[1].dtpye: there is no such key here; did you mean dtype?",
  ],
  [
    "a typo in a unit",
    { ...ONE, promptTokens: [128, "8Kb"] },
    'promptTokens[1]: "8Kb" must be a number of tokens (512, 8K) or a range (1K..64K*2, 1K..8K+1K)',
  ],
  [
    "one of a size",
    { ...ONE, ep: "cuda", groups: [{ memory: "24GX" }] },
    'groups[0].memory: "24GX" must be a size such as 24GB or 8GiB, or null for none',
  ],
  [
    "one of a time",
    { ...ONE, timeout: "5m" },
    'timeout: "5m" must be a time such as 90 (seconds), 5min or 2h',
  ],
  [
    "a range without a step",
    { ...ONE, promptTokens: "1K..8K" },
    'promptTokens: "1K..8K" has no step; write a factor, 1K..64K*2, or a difference, 1K..8K+1K',
  ],
  [
    "a range without a length",
    { ...ONE, promptTokens: ["8K..1K*2"] },
    /^promptTokens\[0\]: "8K\.\.1K\*2" holds no length/,
  ],
  [
    "a step that goes nowhere",
    { ...ONE, promptTokens: "1..8*1" },
    /^promptTokens: "1..8\*1" has the step "\*1"; a factor must be above 1/,
  ],
  ["an empty list", { ...ONE, promptTokens: [] }, /^promptTokens: the list is empty; it must hold/],
  ["no group", { ...ONE, groups: [] }, /^groups: the list is empty/],
  ["no model", { promptTokens: 5 }, /^no models are given/],
  ["no length", { models: ["gpt-neo-125m"] }, /^models\[0\]: no promptTokens are given for gpt-neo-125m/],
  ["an unknown model", { ...ONE, models: ["gpt-neo-125m", "mamba2-13m"] }, /^models\[1\]: .*mamba2-13m/],
  ["an unknown name", { ...ONE, dtype: ["fp32", "fp31"] }, /^dtype\[1\]: "fp31" must be "fp32" or/],
  ["a length of none", { ...ONE, promptTokens: [0] }, /^promptTokens\[0\]: 0 must be a number of tokens/],
  ["two repeats", { ...ONE, repeats: [3, 5] }, "repeats: there are 2 values; it must be one"],
  [
    "a length beyond the model's positions",
    { ...ONE, promptTokens: [128, "4K"] },
    /^promptTokens\[1\]: gpt-neo-125m has 2048 positions/,
  ],
  [
    "a lowering that the model lacks",
    { models: ["mamba-130m"], promptTokens: 8, groups: [{ lowering: ["linear-attention", "ssd-matmul"] }] },
    /^groups\[0\]\.lowering\[1\]: mamba-130m has no lowering "ssd-matmul"/,
  ],
  [
    "a GPU's option on a CPU",
    { ...ONE, cudaGraph: "on" },
    /^cudaGraph: cudaGraph is "on", but only a GPU has it/,
  ],
  [
    "two budgets",
    { ...ONE, ep: "cuda", memory: "8GB", like: "rtx4090" },
    /^like: the memory budget is given twice/,
  ],
  [
    "a budget below the weights",
    { ...ONE, memory: [null, "1MB"] },
    /^memory\[1\]: the memory budget is 1000000 bytes, but the weights/,
  ],
  ["a type without kernels", { ...ONE, dtype: "bf16" }, /^dtype: the dtype bf16 needs a GPU/],
  ["a flag", ONE, /^--prompt-tokens: "8X" must be/, { promptTokens: "8X" }],
  [
    "an override of no model",
    { ...ONE, overrides: { "mamba2-130m": { batch: 2 } } },
    'overrides["mamba2-130m"]: there is no such cell in the plan',
  ],
  [
    "an override of models",
    { ...ONE, overrides: { "gpt-neo-125m": { models: "mamba2-130m" } } },
    /^overrides\["gpt-neo-125m"\]\.models: /,
  ],
  [
    "an exclusion of nothing",
    { ...ONE, exclude: [{ promptTokens: 129 }] },
    "exclude[0]: there is no such cell in the plan",
  ],
  [
    "an exclusion of everything",
    { ...ONE, exclude: [{ promptTokens: 128 }] },
    "exclude: it leaves no cell of the plan",
  ],
  [
    "a GPU of a group",
    { ...ONE, groups: [{ deviceId: 1 }] },
    /^groups\[0\]\.deviceId: there is no such key here/,
  ],
];

suite("a plan that makes no sense is refused with the path of the value", () => {
  for (const [what, source, sentence, flags] of WRONG)
    test(what, () => {
      assert.throws(
        () => expand(source, flags),
        (error: unknown) => {
          assert.ok(error instanceof UserError, String(error));
          if (typeof sentence === "string") assert.equal(error.message, sentence);
          else assert.match(error.message, sentence);
          return true;
        },
      );
    });
});
