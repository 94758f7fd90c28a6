import assert from "node:assert/strict";
import { test } from "node:test";
import { Tensor } from "onnxruntime-node";
import { Graph, ops, type Value } from "../../src/graph/index.js";
import { f32, i64, runGraph } from "../support/run-graph.js";

type Build = (graph: Graph, ...inputs: Value[]) => Value;

interface Case {
  build: Build;
  inputs: Tensor[];
  /** The values numpy would give. */
  expected: number[];
}

const ramp = (shape: number[], start = 0): Tensor =>
  f32(
    shape,
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i + start),
  );

const CASES: Record<string, Case> = {
  add: {
    build: (_, a, b) => ops.add(a, b),
    inputs: [ramp([2, 2]), f32([2], [10, 20])],
    expected: [10, 21, 12, 23],
  },
  sub: {
    build: (_, a, b) => ops.sub(a, b),
    inputs: [f32([2, 1], [5, 7]), f32([1, 2], [1, 2])],
    expected: [4, 3, 6, 5],
  },
  mul: { build: (_, a, b) => ops.mul(a, b), inputs: [ramp([3]), f32([], [2])], expected: [0, 2, 4] },
  min: { build: (_, a, b) => ops.min(a, b), inputs: [ramp([3]), f32([1], [1])], expected: [0, 1, 1] },
  mod: {
    build: (_, a, b) => ops.mod(a, b),
    inputs: [i64([3], [5, 64, 65]), i64([1], [64])],
    expected: [5, 0, 1],
  },
  exp: { build: (_, x) => ops.exp(x), inputs: [f32([2], [0, 1])], expected: [1, Math.E] },
  log: { build: (_, x) => ops.log(x), inputs: [f32([2], [1, Math.E])], expected: [0, 1] },
  sumAfter: { build: (_, x) => ops.sumAfter(x, 1), inputs: [f32([1, 3], [1, 2, 4])], expected: [6, 4, 0] },
  neg: { build: (_, x) => ops.neg(x), inputs: [f32([2], [0.5, -1])], expected: [-0.5, 1] },
  softplus: {
    build: (_, x) => ops.softplus(x),
    inputs: [f32([3], [-100, 0, 100])],
    expected: [0, Math.LN2, 100],
  },
  silu: { build: (_, x) => ops.silu(x), inputs: [f32([2], [0, 2])], expected: [0, 2 / (1 + Math.exp(-2))] },
  // x·Φ(x) by Python's math.erf; the tanh form gives −0.0454 and 0.3457.
  gelu: {
    build: (_, x) => ops.gelu(x),
    inputs: [f32([3], [-2, 0, 0.5])],
    expected: [-0.04550026389635842, 0, 0.34573123063700656],
  },
  geluTanh: {
    build: (_, x, b) => ops.geluTanh(x, b),
    inputs: [f32([1, 2], [0, 0.5]), f32([2], [0, 0.5])],
    expected: [0, 0.5 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * 1.044715))],
  },
  "lessOrEqual, and": {
    build: (_, a, b) => ops.cast(ops.and(ops.lessOrEqual(a, b), ops.equal(a, a)), "float32"),
    inputs: [i64([3], [1, 2, 3]), i64([1], [2])],
    expected: [1, 1, 0],
  },
  where: {
    build: (_, a, b) => ops.where(ops.equal(a, b), a, ops.neg(b)),
    inputs: [ramp([3]), f32([3], [0, 5, 2])],
    expected: [0, -5, 2],
  },
  matmul: {
    build: (_, a, b) => ops.matmul(a, b),
    inputs: [ramp([2, 1, 2]), ramp([2, 2])],
    expected: [2, 3, 6, 11],
  },
  matmulTransposed: {
    build: (_, a, b) => ops.matmulTransposed(a, b, 0.5),
    inputs: [ramp([1, 2, 2]), ramp([1, 3, 2])],
    expected: [0.5, 1.5, 2.5, 1.5, 6.5, 11.5],
  },
  linear: {
    build: (_, x, w, b) => ops.linear(x, w, b),
    inputs: [ramp([1, 2, 2]), ramp([3, 2]), f32([3], [100, 200, 300])],
    expected: [101, 203, 305, 103, 213, 323],
  },
  linearTransposed: {
    build: (_, x, w) => ops.linearTransposed(x, w),
    inputs: [ramp([1, 2, 3]), f32([2, 3], [1, 10, 100, 1, 1, 1])],
    expected: [210, 543, 3, 12],
  },
  reshape: {
    build: (_, x) => ops.reshape(x, [0, "rest"]),
    inputs: [ramp([2, 3, 1])],
    expected: [0, 1, 2, 3, 4, 5],
  },
  transpose: {
    build: (_, x) => ops.transpose(x, [1, 0]),
    inputs: [ramp([2, 3])],
    expected: [0, 3, 1, 4, 2, 5],
  },
  unsqueeze: { build: (_, x) => ops.unsqueeze(x, -1), inputs: [ramp([2, 2])], expected: [0, 1, 2, 3] },
  squeeze: { build: (_, x) => ops.squeeze(x, 1), inputs: [ramp([2, 1, 2])], expected: [0, 1, 2, 3] },
  split: { build: (_, x) => ops.split(x, [1, 2])[1]!, inputs: [ramp([2, 3])], expected: [1, 2, 4, 5] },
  concat: {
    build: (_, a, b) => ops.concat([a, b], 1),
    inputs: [ramp([2, 1]), ramp([2, 2], 10)],
    expected: [0, 10, 11, 1, 12, 13],
  },
  slice: { build: (_, x) => ops.slice(x, -1, 1, 3, 2), inputs: [ramp([2, 4])], expected: [1, 2, 5, 6] },
  "slice from the end": {
    build: (_, x) => ops.slice(x, 0, -1, Number.MAX_SAFE_INTEGER, 1),
    inputs: [ramp([3, 2])],
    expected: [4, 5],
  },
  gather: {
    build: (_, x, i) => ops.gather(x, i),
    inputs: [ramp([3, 2]), i64([1, 2], [2, 0])],
    expected: [4, 5, 0, 1],
  },
  at: { build: (_, x) => ops.at(x, -1, 1), inputs: [ramp([2, 3])], expected: [2, 5] },
  padEnd: {
    build: (_, x, n) => ops.padEnd(x, 1, n, "padded"),
    inputs: [ramp([2, 1, 2], 1), i64([1], [1])],
    expected: [1, 2, 0, 0, 3, 4, 0, 0],
  },
  dimension: { build: (_, x) => ops.dimension(x, 1), inputs: [ramp([2, 5])], expected: [5] },
  range: { build: (_, n) => ops.range(n, "count"), inputs: [i64([1], [4])], expected: [0, 1, 2, 3] },
  reduceMax: {
    build: (_, x) => ops.reduceMax(x, -1),
    inputs: [f32([2, 2], [1, 9, 4, 3])],
    expected: [9, 4],
  },
  reduceMin: { build: (_, x) => ops.reduceMin(x, 0), inputs: [f32([2, 2], [1, 9, 4, 3])], expected: [1, 3] },
  cumsum: { build: (_, x) => ops.cumsum(x, -1), inputs: [ramp([2, 3])], expected: [0, 1, 3, 3, 7, 12] },
  lowerTriangle: {
    build: (_, x) => ops.lowerTriangle(x, -1),
    inputs: [ramp([3, 3], 1)],
    expected: [0, 0, 0, 4, 0, 0, 7, 8, 0],
  },
  rmsNorm: {
    build: (_, x, w) => ops.rmsNorm(x, w, 0),
    inputs: [f32([1, 2], [3, 4]), f32([2], [1, 2])],
    expected: [3 / Math.sqrt(12.5), 8 / Math.sqrt(12.5)],
  },
  softmax: {
    build: (_, x) => ops.softmax(x),
    inputs: [f32([1, 3], [0, Math.log(2), -30000])],
    expected: [1 / 3, 2 / 3, 0],
  },
  rotaryEmbedding: {
    // Two heads of two components; the second token is at position 2, where the tables turn by a quarter and double.
    build: (_, x, start, cos, sin) => ops.rotaryEmbedding(x, start, { cos, sin }),
    inputs: [ramp([1, 2, 4], 1), i64([1], [1]), f32([3, 1], [9, 1, 0]), f32([3, 1], [9, 0, 2])],
    expected: [1, 2, 3, 4, -12, 10, -16, 14],
  },
  layerNorm: {
    build: (_, x, w, b) => ops.layerNorm(x, w, b, 0),
    inputs: [f32([1, 2], [1, 3]), f32([2], [2, 2]), f32([2], [10, 20])],
    expected: [8, 22],
  },
  "skipRmsNorm, normed": {
    build: (_, x, s, w) => ops.skipRmsNorm(x, s, w, 0).normed,
    inputs: [f32([1, 1, 2], [1, 1]), f32([1, 1, 2], [2, 3]), f32([2], [1, 1])],
    expected: [3 / Math.sqrt(12.5), 4 / Math.sqrt(12.5)],
  },
  "skipRmsNorm, sum": {
    build: (_, x, s, w) => ops.skipRmsNorm(x, s, w, 0).sum,
    inputs: [f32([1, 1, 2], [1, 1]), f32([1, 1, 2], [2, 3]), f32([2], [1, 1])],
    expected: [3, 4],
  },
  "skipLayerNorm, normed": {
    build: (_, x, s, w, b) => ops.skipLayerNorm(x, s, w, b, 0).normed,
    inputs: [f32([1, 1, 2], [1, 1]), f32([1, 1, 2], [0, 2]), f32([2], [2, 2]), f32([2], [10, 20])],
    expected: [8, 22],
  },
};

const close = (actual: number, expected: number): boolean =>
  Math.abs(actual - expected) <= 1e-5 * Math.max(1, Math.abs(expected));

for (const [name, { build, inputs, expected }] of Object.entries(CASES))
  test(`${name} computes what numpy would, in the shape the builder announced`, async () => {
    const graph = new Graph(name);
    const values = inputs.map((tensor, i) =>
      graph.input(`x${i}`, tensor.type as "float32" | "int64", tensor.dims),
    );
    const result = build(graph, ...values);
    const announced = result.shape;
    graph.output("y", result);
    const { y } = await runGraph(graph, Object.fromEntries(inputs.map((tensor, i) => [`x${i}`, tensor])));
    const actual = Array.from(y!.data as Float32Array | BigInt64Array, Number);
    assert.ok(
      actual.length === expected.length && actual.every((v, i) => close(v, expected[i]!)),
      `${actual.join()} is not ${expected.join()}`,
    );
    assert.equal(y!.type, result.dtype);
    assert.equal(y!.dims.length, announced.length);
    announced.forEach((dim, i) => {
      if (typeof dim === "number") assert.equal(y!.dims[i], dim);
    });
  });

for (const [bits, width] of [
  [4, 64],
  [4, 40],
  [8, 40],
] as const)
  test(`a product with rows of ${width} in int${bits} is one with what the codes stand for, transposed or not`, async () => {
    const [rows, block] = [3, 32];
    const blocks = Math.ceil(width / block);
    const half = 2 ** (bits - 1);
    const codes = Array.from({ length: rows * blocks * block }, (_, i) => (i * 7) % (2 * half));
    const scales = Array.from({ length: rows * blocks }, (_, i) => (i + 1) / 16);
    const packed =
      bits === 8 ? codes : codes.flatMap((low, i) => (i % 2 === 0 ? [low | (codes[i + 1]! << 4)] : []));
    const x = Array.from({ length: 2 * width }, (_, i) => (i % 5) - 2);
    const expected = [0, 1].map((token) =>
      Array.from({ length: rows }, (_, row) => {
        let sum = 0;
        for (let i = 0; i < width; i++) {
          const at = row * blocks + Math.floor(i / block);
          sum += x[token * width + i]! * (codes[at * block + (i % block)]! - half) * scales[at]!;
        }
        return sum;
      }),
    );
    const graph = new Graph("quantized");
    const a = graph.input("x", "float32", [1, 2, width]);
    const weight = {
      packed: graph.input("packed", "uint8", [rows, blocks, (block * bits) / 8]),
      scales: graph.input("scales", "float32", [rows, blocks]),
      width,
      bits,
      block,
      accuracyLevel: 0,
    } as const;
    const bias = graph.constant("float32", [rows], [100, 200, 300]);
    const y = ops.linear(a, weight, bias);
    assert.deepEqual(y.shape, [1, 2, rows]);
    graph.output("y", y);
    graph.output("z", ops.linearTransposed(a, weight));
    const found = await runGraph(graph, {
      x: f32([1, 2, width], x),
      packed: new Tensor("uint8", Uint8Array.from(packed), weight.packed.shape as number[]),
      scales: f32([rows, blocks], scales),
    });
    const biased = expected.flatMap((row) => row.map((value, i) => value + 100 * (i + 1)));
    const transposed = [0, 1, 2].flatMap((row) => expected.map((token) => token[row]!));
    for (const [name, values] of [
      ["y", biased],
      ["z", transposed],
    ] as const)
      (found[name]!.data as Float32Array).forEach((value, i) => {
        assert.ok(close(value, values[i]!), `${name}: ${value} is not ${values[i]}`);
      });
  });

test("a quantised product refuses rows of another width and codes of another layout", () => {
  const graph = new Graph("wrong");
  const x = graph.input("x", "float32", [1, 1, 64]);
  const packed = graph.input("packed", "uint8", [3, 2, 16]);
  const scales = graph.input("scales", "float32", [3, 2]);
  const right = { packed, scales, width: 64, bits: 4, block: 32, accuracyLevel: 0 } as const;
  assert.throws(
    () => ops.linear(x, { ...right, width: 32 }),
    /MatMulNBits cannot multiply "x".* by rows of 32/,
  );
  assert.throws(() => ops.linear(x, { ...right, bits: 8 }), /MatMulNBits needs codes of shape \[3, 2, 32\]/);
  assert.throws(() => ops.linear(x, { ...right, packed: scales }), /MatMulNBits needs uint8/);
});
