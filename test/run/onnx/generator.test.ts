import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { openRuntime } from "../../../src/ort/index.js";
import { LoadedOnnx, OnnxGenerator, planOnnx, type OnnxSettings } from "../../../src/run/index.js";
import { loadCheckpoint } from "../../support/checkpoint.js";
import { relativeError } from "../../support/generate.js";
import { selfContained } from "../../support/self-contained.js";
import { readTensors } from "../../../src/checkpoint/index.js";

const FIXTURES = new URL("../../fixtures/", import.meta.url);
const path = (file: string): string => new URL(file, FIXTURES).pathname;

/** What transformers gave for the checkpoint that all of these were exported from. */
const expected = readTensors(path("hf/llama/expected.safetensors"));
const VOCABULARY = 160;

/** What float16 rounds: onnxruntime's own Python package is as far off (make.py). */
const EXPORTS = [
  { folder: "dynamo", carry: "growing", dtype: "fp32", tolerance: 1e-4 },
  { folder: "torchscript", carry: "growing", dtype: "fp16", tolerance: 1e-2 },
  { folder: "genai", carry: "shared", dtype: "fp32", tolerance: 1e-4 },
] as const;

function ids(name: string): BigInt64Array {
  const tensor = expected.get(name);
  assert.equal(tensor?.dtype, "I64");
  return tensor.data;
}

function logits(name: string, row = 0): Float32Array {
  const tensor = expected.get(name);
  assert.equal(tensor?.dtype, "F32");
  return tensor.data.subarray(row * VOCABULARY, (row + 1) * VOCABULARY);
}

async function withGenerator(
  folder: string,
  settings: OnnxSettings,
  body: (generator: OnnxGenerator) => Promise<void>,
): Promise<void> {
  const file = folder.endsWith(".onnx") ? folder : path(`onnx/${folder}/model.onnx`);
  const [cell] = planOnnx(file, { newTokens: 16, threads: 1, ...settings });
  using loaded = new LoadedOnnx(openRuntime(), [cell!]);
  using generator = loaded.open(cell!);
  await body(generator);
}

for (const { folder, carry, dtype, tolerance } of EXPORTS)
  suite(`what ${folder} exported gives the logits of transformers`, () => {
    const near = (generator: OnnxGenerator, name: string, row = 0): void => {
      const error = relativeError(generator.logits.subarray(0, VOCABULARY), logits(name, row));
      assert.ok(error < tolerance, `error ${error} of ${name} ${row}`);
    };

    test("the interface is what the file says", () => {
      const [cell] = planOnnx(path(`onnx/${folder}/model.onnx`), { promptTokens: [8] });
      const { name, family, interface: known } = cell!.model;
      assert.deepEqual([name, family, cell!.dtype, cell!.logits], [folder, "transformer", dtype, "all"]);
      assert.deepEqual(
        known.caches.map((cache) => [cache.past, cache.present, cache.carry, cache.shape.join()]).sort(),
        ["0.key", "0.value", "1.key", "1.value"].map((part) => [
          `past_key_values.${part}`,
          `present.${part}`,
          carry,
          "batch,1,length,32",
        ]),
      );
    });

    for (const length of [1, 7, 64, 130])
      for (const segmentTokens of new Set([length, 64, 24].filter((size) => size <= length)))
        test(`prefill of ${length} tokens in segments of ${segmentTokens}`, () =>
          withGenerator(folder, { promptTokens: [length], segmentTokens }, async (generator) => {
            await generator.prefill(ids(`ids.${length}`));
            near(generator, `logits.${length}`);
          }));

    test("16 greedy tokens after 64, and the same again", () =>
      withGenerator(folder, { promptTokens: [64] }, async (generator) => {
        for (let repeat = 0; repeat < 2; repeat++) {
          let next = await generator.prefill(ids("ids.64"));
          for (const [step, token] of [...ids("greedy.ids")].entries()) {
            near(generator, "greedy.logits", step);
            assert.deepEqual(next, [token]);
            if (step < 15) next = await generator.step();
          }
        }
      }));

    test("tokens that are given are fed instead of the chosen ones", () =>
      withGenerator(folder, { promptTokens: [130] }, async (generator) => {
        await generator.prefill(ids("ids.130").subarray(0, 120));
        for (const id of ids("ids.130").subarray(120)) await generator.step([id]);
        near(generator, "logits.130");
      }));

    test("a batch: the second sequence does not touch the first", () =>
      withGenerator(folder, { promptTokens: [64], batch: 2 }, async (generator) => {
        const both = new BigInt64Array(128);
        both.set(ids("ids.64"));
        both.set(ids("ids.64").toReversed(), 64);
        assert.equal((await generator.prefill(both))[0], ids("greedy.ids")[0]);
        near(generator, "logits.64");
        assert.equal((await generator.step())[0], ids("greedy.ids")[1]);
        near(generator, "greedy.logits", 1);
      }));

    test("memory: caches as they are held, and more than the capacity is refused", () =>
      withGenerator(folder, { promptTokens: [64] }, async (generator) => {
        const set = 4 * 80 * 32 * (dtype === "fp16" ? 2 : 4);
        assert.equal(generator.kvCacheBytes, carry === "growing" ? 2 * set : set);
        assert.equal(generator.heldStateBytes, generator.kvCacheBytes);
        assert.ok(generator.peakActivationBytes > 0);
        await assert.rejects(
          generator.prefill(new BigInt64Array(81)),
          /a prompt of 81 tokens does not fit: at most 80/,
        );
        await generator.prefill(new BigInt64Array(80));
        await assert.rejects(generator.step(), /a sequence of 81 tokens does not fit/);
      }));
  });

suite("states under the names of transformers.js are carried on", () => {
  const checkpoint = loadCheckpoint("mamba2");
  const expectedOf = (name: string, row = 0): Float32Array => {
    const tensor = checkpoint.expected.get(name);
    assert.equal(tensor?.dtype, "F32");
    return tensor.data.subarray(row * VOCABULARY, (row + 1) * VOCABULARY);
  };
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), "ssm-scope-onnx-"));
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  for (const positions of ["last", "all"] as const)
    test(`mamba2 with the logits of ${positions}`, async () => {
      const file = join(folder, `mamba2-${positions}.onnx`);
      writeFileSync(file, selfContained(checkpoint, positions));
      const greedy = checkpoint.expected.get("greedy.ids")!.data as BigInt64Array;
      await withGenerator(file, { promptTokens: [64], segmentTokens: 24 }, async (generator) => {
        let next = await generator.prefill(checkpoint.expected.get("ids.64")!.data as BigInt64Array);
        for (const [step, token] of [...greedy].entries()) {
          const error = relativeError(generator.logits, expectedOf("greedy.logits", step));
          assert.ok(error < 1e-4, `error ${error} at token ${step}`);
          assert.deepEqual(next, [token]);
          if (step < 15) next = await generator.step();
        }
        assert.equal(generator.kvCacheBytes, 0);
        assert.ok(generator.ssmStateBytes > 0 && generator.convStateBytes > 0);
        assert.equal(generator.heldStateBytes, 2 * (generator.ssmStateBytes + generator.convStateBytes));
      });
    });
});
