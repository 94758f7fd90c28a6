import assert from "node:assert/strict";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { UserError } from "../../src/errors.js";
import { gateKey } from "../../src/run/gate/key.js";
import { planGate } from "../../src/run/gate/plan.js";
import { settingOf } from "../../src/run/gate/setting.js";
import { plan, readConfig, run, verify, type Settings } from "../../src/run/index.js";
import { weightSource } from "../../src/run/weight-source.js";
import { fixture } from "../support/checkpoint.js";
import { temporaryFolder } from "../support/temporary.js";

const root = temporaryFolder();
const SHORT = { promptTokens: [8], newTokens: 2, repeats: 1, progress: "none" } as const;

const refuses = (settings: Partial<Settings>, message: RegExp): void => {
  assert.throws(
    () => plan({ models: [], promptTokens: [8], ...settings }),
    (error) => error instanceof UserError && message.test(error.message),
  );
};

test("weights without a model are of their config.json; rows and keys name them, and the seed stays one of prompts", async () => {
  const weights = fixture("mamba2");
  const [real] = plan({ models: [], weights, promptTokens: [8] });
  assert.equal(real!.model.name, "mamba2");
  const [random] = plan({ models: [readConfig(weights)], promptTokens: [8] });
  assert.notEqual(real!.key, random!.key);
  for (const isolate of ["none", "cell"] as const) {
    const row = (await run({ ...SHORT, models: [], weights, isolate })).object(0) as Record<string, unknown>;
    assert.equal(row.status, "ok");
    assert.equal(row.weights, `mamba2@${real!.weights!.hash}`);
    assert.equal(row.parameters, 96_368);
    assert.equal(row.gate ?? null, "not-run", "a verdict on random weights is none on these");
  }
  assert.equal((await run({ ...SHORT, models: [random!.model] })).get("weights", 0), "random");
});

test("weights of another model, of several and of none are refused before anything is measured", () => {
  const weights = fixture("qwen2");
  refuses({}, /^no model given/);
  refuses(
    { models: ["qwen2.5-0.5b"], weights },
    /config.json is not of qwen2.5-0.5b: vocab_size is 160, not 151936$/,
  );
  refuses(
    { models: ["qwen2.5-0.5b", "mamba-130m"], weights },
    /are of one model, but 2 were given: qwen2.5-0.5b, mamba-130m$/,
  );
  refuses({ weights: root }, /has neither model.safetensors nor/);
  const renamed = { ...readConfig(weights), name: "mamba-130m" };
  refuses({ models: ["mamba-130m", renamed] }, /^two models are called mamba-130m/);
});

test("without a config.json of its own a checkpoint is held against the model's tensors alone", () => {
  const folder = join(root, "bare");
  cpSync(fixture("qwen2"), folder, { recursive: true });
  const model = readConfig(folder);
  rmSync(join(folder, "config.json"));
  assert.equal(plan({ models: [model], weights: folder, promptTokens: [8] })[0]!.weights!.name, "bare");
  refuses(
    { models: ["qwen2.5-0.5b"], weights: folder },
    /does not fit qwen2.5-0.5b: \d+ tensors are missing/,
  );
  refuses({ weights: folder }, /has no config.json/);
});

test("a checkpoint that changes after the plan is not measured as the one that was planned", () => {
  const folder = join(root, "changing");
  cpSync(fixture("qwen2"), folder, { recursive: true });
  const [cell] = plan({ models: [], weights: folder, promptTokens: [8] });
  assert.doesNotThrow(() => weightSource(cell!));
  const file = join(folder, "model.safetensors");
  const bytes = readFileSync(file);
  bytes[8 + Number(bytes.readBigUInt64LE())]! ^= 1; // of the first tensor
  writeFileSync(file, bytes);
  assert.throws(() => weightSource(cell!), /has changed since the sweep was planned/);
});

test("the gate judges real weights on their own: another plan, another key", async () => {
  const weights = fixture("mamba");
  const [gate] = planGate({ weights, dtypes: ["fp32"] });
  assert.equal(gate!.model.name, "mamba");
  assert.equal(gate!.candidates[0]!.weights!.folder, weights);
  const [real] = plan({ models: [], weights, promptTokens: [8] });
  const { weights: _, ...random } = real!;
  assert.notEqual(gateKey(settingOf(real!, null), {}), gateKey(settingOf(random, null), {}));
  const folder = join(root, "gate");
  const [result] = await verify({ weights, dtypes: ["fp16"], folder, progress: "none" });
  assert.equal(result!.status, "passed");
  assert.equal(result!.weights, `mamba@${real!.weights!.hash}`);
});
