import assert from "node:assert/strict";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { TensorProto_DataType } from "onnx-buf";
import { DTYPES, openRuntime, type DType } from "../../src/ort/index.js";
import { collectGarbage } from "../support/collect-garbage.js";
import { identityModel } from "../support/tiny-model.js";

const runtime = openRuntime();

test("the numbers of the types are ONNX's", () => {
  const names: Partial<Record<DType, keyof typeof TensorProto_DataType>> = {
    float32: "FLOAT",
    float64: "DOUBLE",
  };
  for (const [dtype, { code }] of Object.entries(DTYPES)) {
    const name = names[dtype as DType] ?? (dtype.toUpperCase() as keyof typeof TensorProto_DataType);
    assert.equal(code, TensorProto_DataType[name], dtype);
  }
});

test("every type goes in and comes out bit by bit, in the caller's memory and in the session's", () => {
  for (const dtype of Object.keys(DTYPES) as DType[]) {
    const { array, bytes, code } = DTYPES[dtype];
    const session = runtime.createSession(
      identityModel(TensorProto_DataType[code] as keyof typeof TensorProto_DataType),
    );
    const pattern = Uint8Array.from({ length: 6 * bytes }, (_, i) =>
      dtype === "bool" ? i % 2 : (i * 37) % 120,
    );
    const source = new array(pattern.slice().buffer);
    const target = new array(6);
    const own = session.allocate(dtype, [2, 3]);
    const binding = session.bind().input("x", runtime.tensor(dtype, [2, 3], source));
    session.runSync(binding.output("y", runtime.tensor(dtype, [2, 3], target)));
    session.runSync(binding.output("y", own));
    assert.deepEqual(target, source, dtype);
    assert.deepEqual(own.data(), source, dtype);
    assert.equal(own.byteLength, 6 * bytes);
    session[Symbol.dispose]();
  }
});

test("a tensor is the caller's memory: a write in JavaScript is what the next run reads", () => {
  using session = runtime.createSession(identityModel());
  const x = Float32Array.of(1, 2);
  const y = new Float32Array(2);
  const binding = session
    .bind()
    .input("x", runtime.tensor("float32", [2], x))
    .output("y", runtime.tensor("float32", [2], y));
  session.runSync(binding);
  x[1] = 7;
  session.runSync(binding);
  assert.deepEqual([...y], [1, 7]);
  assert.equal(runtime.tensor("float32", [2], x).data().buffer, x.buffer);
});

test("bytes, part of a buffer, shared memory and another context's arrays are fine", () => {
  using session = runtime.createSession(identityModel());
  const whole = new Float32Array([9, 1, 2, 9]);
  const shared = new Float32Array(new SharedArrayBuffer(8));
  shared.set([1, 2]);
  const foreign = runInNewContext("Float32Array.of(1, 2)") as Float32Array;
  for (const data of [
    whole.subarray(1, 3),
    new Uint8Array(whole.buffer, 4, 8),
    new DataView(whole.buffer, 4, 8),
    shared,
    foreign,
  ]) {
    const y = new Float32Array(2);
    using binding = session.bind().input("x", runtime.tensor("float32", [2], data));
    session.runSync(binding.output("y", runtime.tensor("float32", [2], y)));
    assert.deepEqual([...y], [1, 2]);
  }
});

test("scalars and tensors without elements work", () => {
  using session = runtime.createSession(identityModel());
  const run = (shape: number[], data: Float32Array): Float32Array => {
    using binding = session
      .bind()
      .input("x", runtime.tensor("float32", shape, data))
      .outputToHost("y");
    session.runSync(binding);
    return binding.outputs().get("y")!.data<Float32Array>();
  };
  assert.deepEqual([...run([0], new Float32Array(0))], []);
  using scalar = runtime.tensor("float32", [], Float32Array.of(3));
  assert.deepEqual([...scalar.data<Float32Array>()], [3]);
});

test("memory that does not fit the shape and type is refused", () => {
  const make = (dtype: string, shape: number[], data: ArrayBufferView) => () =>
    runtime.tensor(dtype as DType, shape, data);
  const refuses = (make: () => unknown, message: RegExp) => {
    assert.throws(make, { name: "UserError", message });
  };
  refuses(
    make("float32", [3], new Float32Array(2)),
    /float32 tensor of shape \[3\] takes 12 bytes, but the data has 8/,
  );
  refuses(
    make("float32", [2], new Int32Array(2)),
    /takes a Float32Array, or its bytes as a Uint8Array, not a Int32Array/,
  );
  refuses(make("float16", [2], new Float32Array(1)), /takes a Uint16Array/);
  refuses(make("float31", [2], new Float32Array(2)), /Unknown dtype "float31"; it must be one of float32, /);
  refuses(make("float32", [-1], new Float32Array(1)), /dimension of -1/);
  refuses(make("float32", [1.5], new Float32Array(1)), /dimension of 1\.5/);
  refuses(make("float32", [2 ** 40, 2 ** 40], new Float32Array(1)), /more than can be addressed/);
  refuses(
    make("float32", [1], new Uint8Array(new ArrayBuffer(8), 1, 4)),
    /starts at byte 1 .* multiple of 4/,
  );
  refuses(make("float32", [1], new Uint8Array(5)), /5 bytes are no whole number of float32 elements/);
  refuses(make("float32", [1], [1] as unknown as Float32Array), /must be a typed array/);
});

test("memory that can move or has gone is refused, when made, bound and run", async () => {
  const refused = { name: "UserError", message: /transferred away/ };
  const resizable = new (ArrayBuffer as new (n: number, o: object) => ArrayBuffer)(8, { maxByteLength: 16 });
  assert.throws(() => runtime.tensor("float32", [2], new Float32Array(resizable)), { message: /resizable/ });

  const take = (data: Float32Array<ArrayBuffer>) => structuredClone(data, { transfer: [data.buffer] });
  const gone = new Float32Array(2);
  take(gone);
  assert.throws(() => runtime.tensor("float32", [2], gone), refused);

  using session = runtime.createSession(identityModel());
  const x = new Float32Array(2);
  const y = new Float32Array(2);
  const tensor = runtime.tensor("float32", [2], x);
  const binding = session
    .bind()
    .input("x", tensor)
    .output("y", runtime.tensor("float32", [2], y));
  take(x);
  assert.throws(() => tensor.data(), refused);
  assert.throws(() => session.bind().input("x", tensor), refused);
  assert.throws(() => {
    session.runSync(binding);
  }, refused);
  await assert.rejects(session.run(binding), refused);
  binding.input("x", runtime.tensor("float32", [2], Float32Array.of(1, 2)));
  take(y);
  await assert.rejects(session.run(binding), refused);
});

test("the session's memory outlives its tensor and its session for as long as it is looked at", async () => {
  const look = (): Float32Array => {
    using session = runtime.createSession(identityModel());
    using tensor = session.allocate("float32", [2 ** 20]);
    return tensor.data<Float32Array>().fill(5);
  };
  const seen = look();
  await collectGarbage();
  assert.ok(seen.every((value) => value === 5));
});

test("a disposed tensor says so", () => {
  const tensor = runtime.tensor("float32", [1], new Float32Array(1));
  tensor[Symbol.dispose]();
  assert.throws(() => tensor.data(), { name: "UserError", message: /This tensor was disposed/ });
});
