import assert from "node:assert/strict";
import { test } from "node:test";
import * as oracle from "onnxruntime-node";
import { openRuntime, type DType, type Tensor, type TypedArray } from "../../src/ort/index.js";
import { LIBRARY_VARIABLE } from "../../src/ort/library.js";
import { tinyModel, type TinyModel } from "../support/tiny-model.js";

/** Numbers between -1/4 and 1/4 without a pattern, the same in every run: a linear congruential generator (Numerical Recipes). */
function noise(length: number): Float32Array {
  let state = 1;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 33 - 1 / 4;
  });
}
const bytesOf = (values: Float32Array): Uint8Array<ArrayBuffer> => new Uint8Array(values.slice().buffer);

const D = 96;
const weight = (name: string, ...dims: number[]) => ({
  name,
  type: "FLOAT" as const,
  dims,
  bytes: bytesOf(noise(dims.reduce((a, b) => a * b, 1))),
});

interface Case {
  model: TinyModel;
  feeds: Record<string, [dtype: DType, shape: number[], data: TypedArray]>;
}

const CASES: Record<string, Case> = {
  "a block of a network": {
    model: {
      inputs: [["x", "FLOAT", ["batch", "tokens", D]]],
      outputs: [["y", "FLOAT", ["batch", "tokens", D]]],
      nodes: [
        { op: "LayerNormalization", in: ["x", "scale", "bias"], out: ["n"] },
        { op: "MatMul", in: ["n", "up"], out: ["u"] },
        { op: "Sigmoid", in: ["u"], out: ["g"] },
        { op: "Mul", in: ["u", "g"], out: ["a"] },
        { op: "MatMul", in: ["a", "down"], out: ["d"] },
        { op: "Add", in: ["x", "d"], out: ["r"] },
        { op: "Softmax", in: ["r"], out: ["y"] },
      ],
      initializers: [weight("scale", D), weight("bias", D), weight("up", D, 4 * D), weight("down", 4 * D, D)],
    },
    feeds: { x: ["float32", [2, 33, D], noise(2 * 33 * D)] },
  },
  "half precision": {
    model: {
      inputs: [["x", "FLOAT", ["n", D]]],
      outputs: [
        ["y", "FLOAT16", ["n", D]],
        ["z", "DOUBLE", ["n", D]],
      ],
      nodes: [
        { op: "Cast", in: ["x"], out: ["h"], attributes: { to: 10 } },
        { op: "Mul", in: ["h", "h"], out: ["y"] },
        { op: "Cast", in: ["y"], out: ["z"], attributes: { to: 11 } },
      ],
    },
    feeds: { x: ["float32", [5, D], noise(5 * D)] },
  },
  "integers, an index and a shape that depends on the data": {
    model: {
      inputs: [
        ["ids", "INT64", ["n"]],
        ["keep", "BOOL", ["n"]],
      ],
      outputs: [
        ["kept", "INT64", ["kept"]],
        ["rows", "FLOAT", ["kept", D]],
        ["sums", "INT64", ["kept"]],
      ],
      nodes: [
        { op: "Compress", in: ["ids", "keep"], out: ["kept"], attributes: { axis: 0 } },
        { op: "Gather", in: ["table", "kept"], out: ["rows"] },
        { op: "CumSum", in: ["kept", "axis"], out: ["sums"] },
      ],
      initializers: [
        weight("table", 50, D),
        { name: "axis", type: "INT64", dims: [], bytes: new Uint8Array(8) },
      ],
    },
    feeds: {
      ids: ["int64", [5], BigInt64Array.of(3n, 49n, 0n, 7n, 7n)],
      keep: ["bool", [5], Uint8Array.of(1, 0, 1, 1, 1)],
    },
  },
};

/** Bytes, whatever array they come in: float16 has had two kinds. */
const bytesIn = (data: ArrayBufferView): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);

/** Another version of the library need not round as onnxruntime-node's does. */
const skip = process.env[LIBRARY_VARIABLE] !== undefined && `${LIBRARY_VARIABLE} names another library`;

for (const [name, { model, feeds }] of Object.entries(CASES))
  for (const threads of [1, 2])
    test(`${name}: bit by bit what onnxruntime-node computes, on ${threads} threads`, { skip }, async () => {
      const bytes = tinyModel(model);
      const reference = await oracle.InferenceSession.create(bytes, { intraOpNumThreads: threads });
      const expected = await reference.run(
        Object.fromEntries(
          Object.entries(feeds).map(([input, [dtype, shape, data]]) => [
            input,
            new oracle.Tensor(dtype as "float32", data as Float32Array, shape),
          ]),
        ),
      );

      const runtime = openRuntime();
      using session = runtime.createSession(bytes, { threads });
      using binding = session.bind();
      for (const [input, [dtype, shape, data]] of Object.entries(feeds))
        binding.input(input, runtime.tensor(dtype, shape, data));
      for (const output of session.outputs) binding.outputToHost(output.name);
      await session.run(binding);

      const outputs: ReadonlyMap<string, Tensor> = binding.outputs();
      assert.deepEqual([...outputs.keys()], reference.outputNames);
      for (const [output, tensor] of outputs) {
        const { dims, data } = expected[output]!;
        assert.deepEqual(tensor.shape, [...dims], output);
        const same = bytesIn(tensor.data()).equals(bytesIn(data as unknown as ArrayBufferView));
        assert.ok(same, `${output} has other bytes than onnxruntime-node's`);
      }
      await reference.release();
    });

test("both may be used in one process, in either order and after the other's release", async () => {
  const bytes = tinyModel(CASES["half precision"]!.model);
  const runtime = openRuntime();
  const session = runtime.createSession(bytes);
  const reference = await oracle.InferenceSession.create(bytes);
  session[Symbol.dispose]();
  const x = new oracle.Tensor("float32", new Float32Array(D), [1, D]);
  assert.deepEqual((await reference.run({ x })).z!.dims, [1, D]);
  await reference.release();
  using again = runtime.createSession(bytes);
  assert.equal(again.outputs.length, 2);
});
