import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { suite, test } from "node:test";
import { readTensors, type PlainTensor } from "../../src/checkpoint/index.js";

const FIXTURES = resolve(import.meta.dirname, "../fixtures/hf");
const PROMPT_LENGTHS = [1, 7, 64, 130];
const GREEDY_TOKENS = 16;

interface Oracle {
  /** null where transformers has no such architecture, so that there is nothing to compare the recurrence with. */
  transformers: string | null;
  parameters: number;
  prompts: Record<string, { oracle: string; max_relative_difference?: number }>;
}

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
const folders = readdirSync(FIXTURES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

function floats(tensors: Map<string, PlainTensor>, name: string, shape: number[]): Float32Array {
  const tensor = tensors.get(name);
  assert.equal(tensor?.dtype, "F32", name);
  assert.deepEqual(tensor.shape, shape, name);
  assert.ok(tensor.data.every(Number.isFinite), `${name} is finite`);
  assert.ok(new Set(tensor.data).size > tensor.data.length / 2, `${name} varies`);
  return tensor.data;
}

function ids(tensors: Map<string, PlainTensor>, name: string, length: number, vocabulary: number): number[] {
  const tensor = tensors.get(name);
  assert.equal(tensor?.dtype, "I64", name);
  assert.deepEqual(tensor.shape, [length], name);
  const values = Array.from(tensor.data, Number);
  assert.ok(
    values.every((id) => id >= 0 && id < vocabulary),
    `${name} lies in the vocabulary`,
  );
  return values;
}

test("the fixtures are those the graphs are tested on", () => {
  assert.deepEqual(folders.sort(), [
    ...["falcon_h1", "falcon_h1-norm", "falcon_h1-norm-first", "gpt_neo", "hymba", "llama"],
    ...["mamba", "mamba2", "mamba2-groups", "phi3", "qwen2", "zamba2", "zamba2-blocks"],
  ]);
});

for (const name of folders)
  suite(`fixture ${name}`, () => {
    const folder = join(FIXTURES, name);
    const { vocab_size: vocabulary } = readJson(join(folder, "config.json")) as { vocab_size: number };
    const oracle = readJson(join(folder, "oracle.json")) as Oracle;
    const expected = readTensors(join(folder, "expected.safetensors"));

    test("has as many weights as its oracle counted, all finite", () => {
      const weights = [...readTensors(join(folder, "model.safetensors")).values()];
      assert.ok(weights.every(({ dtype, data }) => dtype === "F32" && data.every(Number.isFinite)));
      assert.equal(
        weights.reduce((sum, { data }) => sum + data.length, 0),
        oracle.parameters,
      );
    });

    for (const length of PROMPT_LENGTHS)
      test(`has ids and logits of the prompt of ${length}${oracle.transformers === null ? "" : ", on which two oracles agree"}`, () => {
        ids(expected, `ids.${length}`, length, vocabulary);
        floats(expected, `logits.${length}`, [vocabulary]);
        const { oracle: kind, max_relative_difference: difference } = oracle.prompts[length]!;
        if (oracle.transformers === null) assert.equal(kind, "float64 recurrence");
        else assert.ok(difference! < 1e-4);
      });

    test("continues greedily from the prompt of 64", () => {
      const tokens = ids(expected, "greedy.ids", GREEDY_TOKENS, vocabulary);
      const logits = floats(expected, "greedy.logits", [GREEDY_TOKENS, vocabulary]);
      const steps = tokens.map((_, i) => logits.subarray(i * vocabulary, (i + 1) * vocabulary));
      assert.deepEqual(
        steps.map((row) => row.indexOf(Math.max(...row))),
        tokens,
      );
      const last = floats(expected, "logits.64", [vocabulary]);
      const all = floats(expected, "logits.64.all", [64, vocabulary]);
      assert.deepEqual(steps[0], last);
      assert.deepEqual(all.subarray(63 * vocabulary), last);
    });
  });
