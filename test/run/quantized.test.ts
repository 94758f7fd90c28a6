import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { encodeModel, type FloatType } from "../../src/graph/index.js";
import {
  buildModel,
  fromBits,
  storedTensors,
  toBits,
  weightBytes,
  type ModelGraph,
  type QuantizedLinears,
} from "../../src/models/index.js";
import { openRuntime } from "../../src/ort/index.js";
import { dequantized } from "../../src/run/gate/dequantized.js";
import { cellOf as gateCell, referenceOf } from "../../src/run/gate/cell.js";
import { openDevice } from "../../src/run/process-memory.js";
import { LoadedModel, plan, WeightStore, type Cell, type Settings } from "../../src/run/index.js";
import { cellColumns } from "../../src/run/rows.js";
import { variants } from "../support/checkpoint-cell.js";
import { loadCheckpoint, type Checkpoint } from "../support/checkpoint.js";
import { relativeError, withGenerator } from "../support/generate.js";

/** Of the largest logit: float32 sums in another order. */
const TOLERANCE = 1e-4;

// Widths of 16, 32 and 48: some blocks are not full.
const FOLDERS = [
  ...["gpt_neo", "qwen2", "llama", "phi3", "mamba", "mamba2", "mamba2-groups"],
  ...["falcon_h1-norm", "zamba2-blocks", "hymba"],
];

const KINDS = ([4, 8] as const).flatMap((bits) =>
  [32, 128].map((block): QuantizedLinears => ({ bits, block, int8Compute: false })),
);

const prompts = [
  [1n],
  Array.from({ length: 70 }, (_, i) => BigInt((i * 37) % 150)), // longer than an SSD chunk
];

/** Logits after a prompt and after each of three steps. */
async function logitsOf(cell: Cell, source: Checkpoint["source"], prompt: bigint[]): Promise<Float32Array[]> {
  return await withGenerator({ ...cell, threads: 1 }, source, async (generator) => {
    const logits: Float32Array[] = [];
    await generator.prefill(BigInt64Array.from(prompt));
    logits.push(generator.logits!.slice());
    for (const token of [3n, 5n, 7n]) {
      await generator.step([token]);
      logits.push(generator.logits!.slice());
    }
    return logits;
  });
}

const worst = (actual: Float32Array[], expected: Float32Array[]): number =>
  Math.max(...actual.map((logits, i) => relativeError(logits, expected[i]!)));

for (const folder of FOLDERS)
  suite(`${folder}: quantised weights compute what they stand for`, () => {
    const checkpoint = loadCheckpoint(folder);
    const { model, source } = checkpoint;
    const ways = variants(checkpoint);
    for (const quant of KINDS)
      test(`int${quant.bits} in blocks of ${quant.block}`, async () => {
        for (const lowering of ways)
          for (const prompt of prompts) {
            const reference = referenceOf({ model });
            const decodeLowering = lowering === "fused" ? lowering : reference.decodeLowering;
            const setting = { ...reference, lowering, decodeLowering };
            const way = { segmentTokens: null, prompts: [{ tokens: prompt.length, decoded: 3 }] };
            const cell = gateCell({ deviceId: null, seed: 1 }, setting, way);
            const dtype = quant.bits === 4 ? "int4" : "int8";
            const found = await logitsOf({ ...cell, dtype, quant }, source, prompt);
            const expected = await logitsOf(cell, dequantized(source, { ...setting, dtype, quant }), prompt);
            const error = worst(found, expected);
            assert.ok(error < TOLERANCE, `error ${error}`);
            const unquantised = worst(expected, await logitsOf(cell, source, prompt));
            assert.ok(unquantised > 3 * TOLERANCE, `what is stored is hardly quantised: ${unquantised}`);
          }
      });
  });

test("the store holds codes and scales, and counts them to the byte", () => {
  const { model, source } = loadCheckpoint("qwen2");
  const quantized = { bits: 4, block: 32, int8Compute: false } as const;
  const way = { segmentTokens: null, prompts: [{ tokens: 8, decoded: 1 }] };
  const cell = {
    ...gateCell({ deviceId: null, seed: 1 }, referenceOf({ model }), way),
    dtype: "int4" as const,
    quant: quantized,
  };
  using loaded = new LoadedModel(openRuntime(), [cell], source);
  const { weights } = graphOf(model, quantized, false);
  const missing = loaded.weights.missingBytes(weights);
  const tensors = loaded.weights.tensors(weights);
  assert.equal(loaded.weights.parameterBytes, weightBytes(model, { dtype: "float32", quantized }));
  assert.equal(loaded.weights.parameterBytes + loaded.weights.tableBytes, missing);
  assert.equal(loaded.weights.missingBytes(weights), 0);
  assert.equal(tensors.get("model.layers.0.mlp.down_proj.weight.int4")!.dtype, "uint8");
});

const graphOf = (
  model: Checkpoint["model"],
  quantized: QuantizedLinears,
  separateProducts: boolean,
  dtype: FloatType = "float32",
): ModelGraph =>
  buildModel(model, {
    dtype,
    lowering: "linear-attention",
    logits: "last",
    positions: 16,
    tokensMultipleOf: 1,
    separateProducts,
    quantized,
  });

test("beside float16, as on a GPU, scales are float16 and codes the same", () => {
  const { model, source } = loadCheckpoint("llama");
  const quantized = { bits: 4, block: 32, int8Compute: false } as const;
  const { device } = openDevice(openRuntime(), "cpu", 0);
  const name = "model.layers.1.mlp.down_proj.weight";
  const [wide, narrow] = (["float32", "float16"] as const).map((dtype) => {
    using store = new WeightStore(device, source);
    const tensors = store.tensors(graphOf(model, quantized, false, dtype).weights);
    return [
      tensors.get(`${name}.int4`)!.data<Uint8Array>().slice(),
      fromBits(tensors.get(`${name}.scales`)!.data<Float32Array | Uint16Array>().slice(), dtype),
    ] as const;
  });
  assert.deepEqual(narrow![0], wide![0]);
  assert.deepEqual(narrow![1], fromBits(toBits(wide![1], "float16"), "float16"));
  assert.notDeepEqual(narrow![1], wide![1]);
});

test("a row says in what blocks its weights are quantised and what its products compute in", () => {
  const columns = (settings: Partial<Settings>): unknown[] => {
    const { dtype, quant_block, quant_compute } = cellColumns(
      plan({ models: ["mamba2-130m"], promptTokens: [8], ...settings })[0]!,
    );
    return [dtype, quant_block, quant_compute];
  };
  assert.deepEqual(columns({}), ["fp32", null, null]);
  assert.deepEqual(columns({ dtype: "int4" }), ["int4", 32, "int8"]);
  assert.deepEqual(columns({ dtype: "int8", quantBlock: 128, quantCompute: "float" }), [
    "int8",
    128,
    "float",
  ]);
  assert.deepEqual(columns({ dtype: "int4", ep: "cuda" }), ["int4", 32, "float"]);
});

test("rows of a quantised weight are rows of its codes and scales, and make the same product", async () => {
  const { model, source } = loadCheckpoint("mamba2");
  const quantized = { bits: 4, block: 32, int8Compute: false } as const;
  const runtime = openRuntime();
  const { device } = openDevice(runtime, "cpu", 0);
  using store = new WeightStore(device, source);
  const logits: Float32Array[] = [];
  for (const separate of [true, false]) {
    const { graph, weights, caches } = graphOf(model, quantized, separate);
    const parts = weights.filter((weight) => weight.role === "parameter" && weight.rows !== undefined);
    assert.equal(parts.length > 0, separate);
    const initializers = store.tensors(weights);
    for (const stored of parts.flatMap(storedTensors))
      assert.deepEqual(initializers.get(stored.name)!.shape, stored.shape);
    using session = runtime.createSession(encodeModel(graph), { device, initializers });
    const binding = session.bind();
    binding.input(
      "input_ids",
      runtime.tensor(
        "int64",
        [1, 9],
        BigInt64Array.from({ length: 9 }, (_, i) => BigInt(i)),
      ),
    );
    for (const { past, present, dtype, shape } of caches) {
      const [before, after] = device.allocate([0, 1].map(() => ({ dtype, shape: shape(1, 16) })));
      device.clear([before!]);
      binding.input(past, before!).output(present, after!);
    }
    const [token, result] = device.allocate([
      { dtype: "int64", shape: [1, 1] },
      { dtype: "float32", shape: [1, model.config.vocab_size] },
    ]);
    binding.output("next_token", token!).output("logits", result!);
    await session.run(binding);
    logits.push(result!.data<Float32Array>().slice());
  }
  const error = relativeError(logits[0]!, logits[1]!);
  assert.ok(error < 1e-5, `error ${error}`);
});
