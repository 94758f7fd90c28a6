import assert from "node:assert/strict";
import { test } from "node:test";
import { declaredInitializers } from "../../src/ort/model-initializers.js";
import { tinyModel } from "../support/tiny-model.js";

const model = tinyModel({
  inputs: [["x", "FLOAT", ["n", 300]]],
  outputs: [["y", "FLOAT", ["n", 2]]],
  nodes: [{ op: "MatMul", in: ["x", "w"], out: ["y"] }],
  initializers: [
    { name: "w", type: "FLOAT", dims: [300, 2] },
    { name: "größe", type: "INT64", dims: [1], bytes: new Uint8Array(8) },
    { name: "scalar", type: "FLOAT16", dims: [], bytes: new Uint8Array(2) },
  ],
});

test("reads what another library wrote", () => {
  assert.deepEqual(
    declaredInitializers(model),
    new Map([
      ["w", { code: 1, shape: [300, 2], file: "nowhere.bin" }],
      ["größe", { code: 7, shape: [1], file: null }],
      ["scalar", { code: 10, shape: [], file: null }],
    ]),
  );
});

test("bytes that are no message, or are cut off, throw", () => {
  assert.throws(() => declaredInitializers(new Uint8Array(100).fill(7)));
  assert.throws(() => declaredInitializers(model.subarray(0, model.length - 1)));
  assert.throws(() => declaredInitializers(Uint8Array.of(0xff)));
});
