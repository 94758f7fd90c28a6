import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { Row } from "../../src/record/index.js";
import { randomPrompt } from "../../src/models/index.js";
import { openRuntime } from "../../src/ort/index.js";
import { Generator, LoadedModel, plan, run, verify, type Settings } from "../../src/run/index.js";

const folder = mkdtempSync(join(tmpdir(), "ssm-scope-gpu-"));
process.env.XDG_CACHE_HOME = folder;
after(() => {
  rmSync(folder, { recursive: true });
});

const QUIET = { ep: "cuda", progress: "none" } as const;

async function rowsOf(settings: Settings & { out?: string }): Promise<Row[]> {
  return (await run({ ...QUIET, ...settings })).objects();
}

/** Greedy tokens of one cell after a prompt of its length. */
async function tokensOf(settings: Omit<Settings, "ep">): Promise<{ graph: boolean; tokens: bigint[] }> {
  const cell = plan({ ...settings, ep: "cuda" })[0]!;
  using loaded = new LoadedModel(openRuntime(), [cell]);
  using generator = new Generator(cell, loaded);
  const prompt = randomPrompt(cell.promptTokens, cell.batch, cell.model.config.vocab_size, 1);
  const tokens = [...(await generator.prefill(prompt))];
  for (let i = 1; i < cell.newTokens; i++) tokens.push(...(await generator.step()));
  return { graph: generator.cudaGraph, tokens };
}

for (const model of ["gpt-neo-125m", "qwen2.5-0.5b", "mamba-130m", "mamba2-130m"])
  test(`${model}: with and without CUDA graph the same tokens`, async () => {
    const cell = { models: [model], promptTokens: [96], newTokens: 24 };
    const on = await tokensOf({ ...cell, cudaGraph: "on" });
    const off = await tokensOf({ ...cell, cudaGraph: "off" });
    assert.ok(on.graph);
    assert.ok(!off.graph);
    assert.deepEqual(on.tokens, off.tokens);
  });

test("the gate is passed, and rows say so; without it they say that too", async () => {
  const settings = { models: ["gpt-neo-125m"], promptTokens: [128], repeats: 2 };
  const [before] = await rowsOf(settings);
  assert.equal(before!.gate, "not-run");
  assert.ok(before!.verdict_reasons!.includes("unverified_numerics"));
  const results = await verify({
    models: settings.models,
    ep: "cuda",
    dtypes: ["fp16", "bf16"],
    progress: "none",
  });
  assert.deepEqual([...new Set(results.map(({ status }) => status))], ["passed"]);
  const [row] = await rowsOf(settings);
  assert.equal(row!.gate, "passed");
  assert.equal(row!.verdict_reasons!.filter((reason) => reason.endsWith("_numerics")).length, 0);
});

test("memory adds up to what the process holds", async () => {
  const [row] = await rowsOf({ models: ["mamba2-130m"], promptTokens: [2048], repeats: 1 });
  const part = (...names: (keyof Row)[]): number =>
    names.reduce((sum, name) => sum + (row![name] as number), 0);
  const states = 2 * part("ssm_state_bytes", "conv_state_bytes");
  const sum =
    states +
    part("weights_bytes", "table_bytes", "kv_cache_bytes", "peak_activation_bytes", "arena_slack_bytes") +
    part("context_bytes", "residual_bytes");
  assert.equal(sum, row!.process_device_bytes);
  assert.equal(row!.kv_cache_bytes, 0);
  // A context is hundreds of megabytes; what a run adds outside the allocators are kernels and work space of libraries.
  assert.ok(row!.context_bytes! > 2e8 && row!.context_bytes! < 1.5e9, `context ${row!.context_bytes}`);
  assert.ok(row!.residual_bytes! >= 0 && row!.residual_bytes! < 8e8, `residual ${row!.residual_bytes}`);
  assert.ok(row!.weights_upload_bytes_per_s! > 1e9);
});

test("a budget is kept, and what does not fit is a row with the size and the peak", async () => {
  const settings = { models: ["mamba2-130m"], repeats: 1, memoryBytes: 2 * 2 ** 30 };
  const [small] = await rowsOf({ ...settings, promptTokens: [1024] });
  assert.equal(small!.status, "ok", small!.status_reason ?? "");
  assert.ok(small!.process_device_bytes! <= 2 * 2 ** 30, `${small!.process_device_bytes}`);
  const [large] = await rowsOf({ ...settings, promptTokens: [32768], prefill: "monolithic" });
  assert.equal(large!.status, "oom");
  assert.ok(large!.failed_allocation_bytes! > 0);
  assert.ok(large!.peak_activation_bytes! > 0);
  assert.equal(large!.memory_limit_bytes, 2 * 2 ** 30);
  const both = await rowsOf({ ...settings, promptTokens: [32768, 1024], prefill: "monolithic" });
  assert.deepEqual(
    both.map(({ status }) => status),
    ["oom", "ok"],
  );
});

test("a device that is not there is refused before any file is written", async () => {
  const out = join(folder, "nothing");
  await assert.rejects(rowsOf({ models: ["mamba-130m"], promptTokens: [64], deviceId: 99, out }), {
    name: "UserError",
    message: /CUDA device 99/,
  });
  assert.ok(!existsSync(out));
});

test("batches decode side by side", async () => {
  const one = await tokensOf({ models: ["mamba2-130m"], promptTokens: [64], newTokens: 8 });
  const two = await tokensOf({ models: ["mamba2-130m"], promptTokens: [64], newTokens: 8, batch: 2 });
  assert.ok(two.graph);
  assert.equal(two.tokens.length, 16);
  // Seeds draw the first row first: it is the prompt of the single sequence. Later tokens may part by rounding.
  const first = two.tokens.filter((_, i) => i % 2 === 0);
  assert.deepEqual(first.slice(0, 3), one.tokens.slice(0, 3));
});
