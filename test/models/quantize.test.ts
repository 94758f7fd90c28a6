import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  dequantizeRows,
  quantizeRows,
  quantizeWeight,
  RandomWeights,
  storedTensors,
  weightBytes,
  buildModel,
  findModel,
  REGISTRY,
  type ParameterSpec,
  type Quantization,
} from "../../src/models/index.js";
import { normal } from "../../src/models/init.js";

interface Case extends Quantization {
  readonly width: number;
  readonly values: number[];
  readonly packed: number[];
  readonly scales: number[];
}

const CASES = JSON.parse(
  readFileSync(new URL("../fixtures/ort/quantize.json", import.meta.url), "utf8"),
) as Case[];

for (const { bits, block, width, values, packed, scales } of CASES)
  test(`int${bits} in blocks of ${block}, rows of ${width}: the codes and scales of ONNX Runtime's quantiser`, () => {
    const found = { packed: new Uint8Array(packed.length), scales: new Float32Array(scales.length) };
    const given = Float32Array.from(values);
    quantizeRows(given, width, { bits, block }, found.packed, found.scales);
    assert.deepEqual([...found.scales], scales);
    assert.deepEqual([...found.packed], packed);
    const kept = new Float32Array(values.length);
    dequantizeRows(found.packed, found.scales, width, { bits, block }, kept);
    for (const [i, value] of given.entries()) {
      const blocks = Math.ceil(width / block);
      const scale = scales[Math.floor(i / width) * blocks + Math.floor((i % width) / block)]!;
      // Half a step; a whole one at the far end of the other sign, which has one code less.
      const bound = Math.abs(value) > Math.abs((2 ** (bits - 1) - 1) * scale) ? 1 : 0.5;
      assert.ok(
        Math.abs(kept[i]! - value) <= bound * Math.abs(scale) * (1 + 1e-5),
        `${value} became ${kept[i]}`,
      );
    }
  });

const spec = (
  names: readonly string[],
  quantized: Quantization,
): ParameterSpec & { quantized: Quantization } => ({
  role: "parameter",
  name: "w",
  dtype: "float16",
  shape: [5 * names.length, 80],
  parts: names.map((name) => ({ name, shape: [5, 80], init: normal(1) })),
  quantized,
});

test("a weight of several tensors is quantised one at a time, as each would be alone", () => {
  const quantized = { bits: 4, block: 32 } as const;
  const source = new RandomWeights(1);
  const sizes: number[] = [];
  const made = (names: string[]): { packed: Uint8Array; scales: Float32Array } => {
    const wanted = spec(names, quantized);
    const [codes] = storedTensors(wanted);
    const packed = new Uint8Array(codes!.shape.reduce((a, b) => a * b, 1));
    const scales = quantizeWeight(
      wanted,
      (part, values) => {
        sizes.push(values.length);
        assert.equal(part.dtype, "float32");
        source.fill(part, values);
      },
      packed,
    );
    return { packed, scales };
  };
  const [both, q, k] = [made(["q", "k"]), made(["q"]), made(["k"])];
  assert.deepEqual([...both.packed], [...q.packed, ...k.packed]);
  assert.deepEqual([...both.scales], [...q.scales, ...k.scales]);
  assert.deepEqual(sizes, [400, 400, 400, 400]);
});

test("codes and scales are tensors of their own, rows first, the last block filled up", () => {
  assert.deepEqual(storedTensors(spec(["q"], { bits: 4, block: 32 })), [
    { name: "w.int4", dtype: "uint8", shape: [5, 3, 16] },
    { name: "w.scales", dtype: "float16", shape: [5, 3] },
  ]);
  assert.deepEqual(storedTensors(spec(["q"], { bits: 8, block: 128 }))[0]!.shape, [5, 1, 128]);
});

const graphOf = (model: (typeof REGISTRY)[number], separateProducts: boolean) =>
  buildModel(model, {
    dtype: "float16",
    lowering: "linear-attention",
    logits: "last",
    positions: 16,
    tokensMultipleOf: 1,
    separateProducts,
    quantized: { bits: 4, block: 32, int8Compute: false },
  });

for (const model of REGISTRY)
  test(`${model.name}: every linear layer but the head and Mamba-1's two small ones is quantised`, () => {
    for (const separate of [false, true]) {
      const { graph, weights } = graphOf(model, separate);
      const stored = new Set(graph.weights.map(({ value }) => value));
      const inFloats = graph.nodes
        .filter(({ op }) => op === "FusedMatMul" || op === "MatMul")
        .flatMap(({ inputs }) => inputs.filter((value) => value && stored.has(value)))
        .map((value) => value!.name);
      for (const name of inFloats) assert.match(name, /^lm_head|embed|wte|x_proj|dt_proj/);
      assert.ok(graph.nodes.some(({ op }) => op === "MatMulNBits"));
      for (const weight of weights)
        if (weight.role === "parameter" && weight.quantized)
          assert.equal(weight.shape[1]! % 32, 0, `${weight.name}: CUDA's fast kernels want whole blocks`);
    }
  });

test("weights of Qwen2.5-0.5B in int4, counted by hand", () => {
  // 24 layers of q, k, v, o and three of the MLP; the embedding, which is the head, norms and biases in float16.
  const linears = 24 * (896 * (896 + 2 * 128) + 896 * 896 + 3 * 896 * 4864);
  const qwen = findModel("qwen2.5-0.5b");
  const bytes = (block: number): number =>
    linears / 2 + (2 * linears) / block + 2 * (qwen.parameters - linears);
  for (const block of [32, 128])
    assert.equal(weightBytes(qwen, { dtype: "float16", quantized: { bits: 4, block } }), bytes(block));
  assert.equal(weightBytes(qwen, { dtype: "float16" }), 2 * qwen.parameters);
});
