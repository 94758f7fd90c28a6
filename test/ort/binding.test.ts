import assert from "node:assert/strict";
import { test } from "node:test";
import { openRuntime, OrtError } from "../../src/ort/index.js";
import { collectGarbage } from "../support/collect-garbage.js";
import { identityModel, tinyModel } from "../support/tiny-model.js";

const runtime = openRuntime();
const floats = (...values: number[]) => runtime.tensor("float32", [values.length], Float32Array.from(values));

/** total = past + x, count = Shape(x). */
const sumModel = tinyModel({
  inputs: [
    ["past", "FLOAT", [2]],
    ["x", "FLOAT", ["n"]],
  ],
  outputs: [
    ["total", "FLOAT", ["n"]],
    ["count", "INT64", [1]],
  ],
  nodes: [
    { op: "Add", in: ["past", "x"], out: ["total"] },
    { op: "Shape", in: ["x"], out: ["count"] },
  ],
});

test("one tensor may be input and output, as a cache is", () => {
  using session = runtime.createSession(sumModel);
  using past = session.allocate("float32", [2]);
  past.data<Float32Array>().fill(0);
  using binding = session.bind().input("past", past).output("total", past).input("x", floats(1, 10));
  for (let step = 1; step <= 3; step++) {
    session.runSync(binding);
    assert.deepEqual([...past.data()], [step, 10 * step]);
  }
});

test("names, types and shapes that do not fit are refused when bound", () => {
  using session = runtime.createSession(sumModel);
  using binding = session.bind();
  const refuses = (bind: () => unknown, message: RegExp) => {
    assert.throws(bind, { name: "UserError", message });
  };
  refuses(() => binding.input("pasta", floats(1, 2)), /no input "pasta"; there are "past", "x"/);
  refuses(() => binding.output("x", floats(1, 2)), /no output "x"; there are "total", "count"/);
  refuses(() => binding.outputToHost("y"), /no output "y"/);
  refuses(
    () => binding.input("past", floats(1)),
    /input "past" is float32 \[2\]; a tensor of float32 \[1\] does not fit/,
  );
  const flat = runtime.tensor("float32", [2, 1], new Float32Array(2));
  refuses(() => binding.input("x", flat), /"x" is float32 \[n\]; a tensor of float32 \[2, 1\]/);
  const ints = runtime.tensor("int32", [2], new Int32Array(2));
  refuses(() => binding.input("x", ints), /tensor of int32 \[2\] does not fit/);
  refuses(() => binding.output("count", ints), /output "count" is int64 \[1\]/);
  const disposed = floats(1, 2);
  disposed[Symbol.dispose]();
  refuses(() => binding.input("past", disposed), /This tensor was disposed/);
});

test("a run wants every input, an output, and its own session", async () => {
  using session = runtime.createSession(sumModel);
  using other = runtime.createSession(sumModel);
  using binding = session.bind().input("x", floats(1, 2));
  await assert.rejects(session.run(binding), {
    name: "UserError",
    message: 'No tensor is bound to the input "past".',
  });
  binding.input("past", floats(1, 2));
  await assert.rejects(session.run(binding), {
    name: "UserError",
    message: /No output is bound; there are "total"/,
  });
  binding.outputToHost("total");
  await assert.rejects(other.run(binding), { name: "UserError", message: /made by another session/ });
  await session.run(binding);
});

test("what only ONNX Runtime can see is an OrtError, and the session lives on", async () => {
  using session = runtime.createSession(sumModel, { logSeverity: 4 });
  using binding = session
    .bind()
    .input("past", floats(1, 2))
    .input("x", floats(1, 2, 3))
    .outputToHost("total");
  const refused = (error: unknown) =>
    error instanceof OrtError && /Attempting to broadcast/.test(error.message);
  await assert.rejects(session.run(binding), refused);
  assert.throws(() => {
    session.runSync(binding);
  }, refused);
  assert.throws(() => binding.outputs(), { name: "UserError", message: /has not run yet/ });
  await session.run(binding.input("x", floats(1, 2)));
  assert.deepEqual([...binding.outputs().get("total")!.data()], [2, 4]);
});

test("an output tensor of another shape than what is computed is refused before it is written", async () => {
  const model = tinyModel({
    inputs: [["x", "FLOAT", ["n"]]],
    outputs: [["y", "FLOAT", ["n"]]],
    nodes: [{ op: "Neg", in: ["x"], out: ["y"] }],
  });
  using session = runtime.createSession(model, { logSeverity: 4 });
  const y = new Float32Array(4);
  const short = runtime.tensor("float32", [1], y.subarray(0, 1));
  using binding = session
    .bind()
    .input("x", floats(1, 2, 3))
    .output("y", short);
  await assert.rejects(session.run(binding), { name: "OrtError", message: /shape/ });
  assert.deepEqual([...y], [0, 0, 0, 0]);
  await session.run(binding.output("y", runtime.tensor("float32", [3], y.subarray(0, 3))));
  assert.deepEqual([...y], [-1, -2, -3, 0]);
});

test("a computation beyond the machine's memory is out of memory", async () => {
  const model = tinyModel({
    inputs: [["shape", "INT64", ["rank"]]],
    outputs: [["y", "FLOAT", null]],
    nodes: [{ op: "ConstantOfShape", in: ["shape"], out: ["y"] }],
  });
  using session = runtime.createSession(model, { logSeverity: 4 });
  const shape = runtime.tensor("int64", [2], BigInt64Array.of(1n << 23n, 1n << 23n));
  using binding = session.bind().input("shape", shape).outputToHost("y");
  await assert.rejects(session.run(binding), (error) => error instanceof OrtError && error.isOutOfMemory);
  await session.run(binding.input("shape", runtime.tensor("int64", [1], BigInt64Array.of(3n))));
  assert.deepEqual(binding.outputs().get("y")!.shape, [3]);
});

test("outputs of unknown shape are new tensors after every run", () => {
  using session = runtime.createSession(identityModel());
  using binding = session
    .bind()
    .input("x", floats(1, 2, 3))
    .outputToHost("y");
  assert.throws(() => binding.outputs(), { name: "UserError", message: /has not run yet/ });
  session.runSync(binding);
  const first = binding.outputs().get("y")!;
  session.runSync(binding.input("x", floats(7, 8)));
  const second = binding.outputs().get("y")!;
  assert.deepEqual([first.dtype, first.shape, [...first.data()]], ["float32", [3], [1, 2, 3]]);
  assert.deepEqual([second.shape, [...second.data()]], [[2], [7, 8]]);
});

test("outputs come in binding order, the caller's own as they were given", () => {
  using session = runtime.createSession(sumModel);
  const total = floats(0, 0);
  using binding = session.bind().input("past", floats(1, 2)).input("x", floats(1, 2));
  binding.outputToHost("count").output("total", total);
  session.runSync(binding);
  const outputs = binding.outputs();
  assert.deepEqual([...outputs.keys()], ["count", "total"]);
  assert.deepEqual([...outputs.get("count")!.data<BigInt64Array>()], [2n]);
  assert.equal(outputs.get("total"), total);
  binding.outputToHost("total");
  session.runSync(binding);
  assert.deepEqual([...binding.outputs().get("total")!.data()], [2, 4]);
});

test("a binding keeps its tensors and its session, whatever else is disposed or forgotten", async () => {
  const y = new Float32Array(1000);
  const make = () => {
    const session = runtime.createSession(identityModel());
    const x = runtime.tensor("float32", [1000], new Float32Array(1000).fill(3));
    const binding = session
      .bind()
      .input("x", x)
      .output("y", runtime.tensor("float32", [1000], y));
    x[Symbol.dispose]();
    return { session, binding };
  };
  const { session, binding } = make();
  await collectGarbage();
  session.runSync(binding);
  assert.ok(y.every((value) => value === 3));
  session[Symbol.dispose]();
  binding.input("x", runtime.tensor("float32", [1000], new Float32Array(1000)));
  binding[Symbol.dispose]();
  assert.throws(() => binding.input("x", floats(1)), {
    name: "UserError",
    message: /This binding was disposed/,
  });
});
