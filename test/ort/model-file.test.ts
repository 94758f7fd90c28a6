import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { UserError } from "../../src/errors.js";
import { openRuntime, readModelFile } from "../../src/ort/index.js";
import { identityModel, tinyModel } from "../support/tiny-model.js";

const EXPORTS = new URL("../fixtures/onnx/", import.meta.url).pathname;

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "ssm-scope-model-"));
});
after(() => {
  rmSync(folder, { recursive: true });
});

function written(model: Uint8Array): string {
  const path = join(folder, "model.onnx");
  writeFileSync(path, model);
  return path;
}

for (const name of ["dynamo", "torchscript", "genai"])
  suite(`the file that ${name} wrote`, () => {
    const path = join(EXPORTS, name, "model.onnx");
    const file = readModelFile(path);

    test("has the inputs and outputs that ONNX Runtime's session has", () => {
      using session = openRuntime().createSession(path);
      assert.deepEqual(file.inputs, session.inputs);
      assert.deepEqual(file.outputs, session.outputs);
    });

    test("is as large as it and its external data", () => {
      const files = name === "torchscript" ? ["model.onnx"] : ["model.onnx", "model.onnx.data"];
      const bytes = files.map((each) => statSync(join(EXPORTS, name, each)).size);
      assert.equal(
        file.bytes,
        bytes.reduce((sum, size) => sum + size),
      );
      assert.equal(file.sha256, createHash("sha256").update(readFileSync(path)).digest("hex"));
    });

    test("tells who reads a cache", () => {
      const readers = file.readers.get("past_key_values.1.value") ?? [];
      if (name === "genai") assert.deepEqual(readers, ["GroupQueryAttention"]);
      else assert.ok(readers.includes("Concat"), readers.join());
    });
  });

test("weights that are listed among the inputs are none", () => {
  const model = tinyModel({
    inputs: [
      ["x", "FLOAT", ["n", 2]],
      ["w", "FLOAT", [2, 2]],
    ],
    outputs: [["y", "FLOAT", null]],
    nodes: [{ op: "MatMul", in: ["x", "w"], out: ["y"] }],
    initializers: [{ name: "w", type: "FLOAT", dims: [2, 2], bytes: new Uint8Array(16) }],
  });
  const { inputs, outputs } = readModelFile(written(model));
  assert.deepEqual(inputs, [{ name: "x", dtype: "float32", shape: ["n", 2] }]);
  assert.deepEqual(outputs, [{ name: "y", dtype: "float32", shape: [] }]);
});

suite("what is no model is refused in a sentence", () => {
  const external = tinyModel({
    inputs: [["x", "FLOAT", [1]]],
    outputs: [["y", "FLOAT", [1]]],
    nodes: [{ op: "Add", in: ["x", "w"], out: ["y"] }],
    initializers: [{ name: "w", type: "FLOAT", dims: [1] }],
  });
  const REFUSED: [string, Uint8Array, RegExp][] = [
    ["text", Buffer.from("not a model"), /is no ONNX model$/],
    ["no bytes", new Uint8Array(), /is no ONNX model$/],
    ["half a model", identityModel().subarray(0, 20), /is no ONNX model$/],
    ["missing weights", external, /has its weights in nowhere\.bin, but there is no such file beside it/],
    ["strings", identityModel("STRING"), /"x" of the model has element type 8/],
  ];
  for (const [what, bytes, message] of REFUSED)
    test(what, () => {
      const path = written(bytes);
      assert.throws(
        () => readModelFile(path),
        (error: unknown) => error instanceof UserError && message.test(error.message),
      );
    });

  test("a folder, and nothing at all", () => {
    assert.throws(() => readModelFile(folder), /is no file; give that of the model/);
    assert.throws(() => readModelFile(join(folder, "nowhere.onnx")), /ENOENT/);
  });
});
