import assert from "node:assert/strict";
import { test } from "node:test";
import { findModel, buildModel, RandomWeights } from "../../src/models/index.js";
import { CudaError, openRuntime } from "../../src/ort/index.js";
import { graphOptions } from "../../src/run/graph-options.js";
import { WeightStore } from "../../src/run/index.js";
import { identityModel } from "../support/tiny-model.js";

const runtime = openRuntime();
const device = runtime.device("cuda");

test("the device tells what it is", () => {
  assert.match(device.name!, /NVIDIA|Orin|Tesla|GeForce/);
  assert.match(device.cuda!.uuid ?? "GPU-", /^GPU-/);
  assert.match(device.cuda!.driverVersion, /^\d+\.\d+$/);
  assert.equal(runtime.device("cuda", 0), device, "one object a device");
});

test("tensors are written, read, cleared and seen in part", () => {
  const [a, b] = device.allocate([
    { dtype: "float32", shape: [3, 2] },
    { dtype: "int64", shape: [1] },
  ]);
  device.fill(a!, (elements) => {
    (elements as Float32Array).set([1, 2, 3, 4, 5, 6]);
  });
  device.fill(b!, (elements) => {
    (elements as BigInt64Array).set([7n]);
  });
  const read = new Float32Array(6);
  device.read(a!, read);
  assert.deepEqual([...read], [1, 2, 3, 4, 5, 6]);
  const rows = device.view(a!, { dtype: "float32", shape: [2, 2] }, 8);
  a![Symbol.dispose]();
  const part = new Float32Array(4);
  device.read(rows, part);
  assert.deepEqual([...part], [3, 4, 5, 6], "a view keeps the memory");
  device.clear([rows]);
  device.read(rows, part);
  assert.deepEqual([...part], [0, 0, 0, 0]);
  const token = new BigInt64Array(1);
  device.read(b!, token);
  assert.equal(token[0], 7n);
  assert.throws(() => rows.data(), { name: "UserError", message: /on the GPU/ });
  rows[Symbol.dispose]();
  b![Symbol.dispose]();
});

test("memory goes back, and too much of it is out of memory with its size", () => {
  const before = device.usedBytes()!;
  const bytes = 2 ** 28;
  const [tensor] = device.allocate([{ dtype: "uint8", shape: [bytes] }]);
  assert.ok(device.usedBytes()! - before >= bytes);
  tensor![Symbol.dispose]();
  assert.ok(device.usedBytes()! - before < bytes);
  assert.throws(
    () => device.allocate([{ dtype: "uint8", shape: [2 ** 42] }]),
    (error: unknown) => {
      assert.ok(error instanceof CudaError);
      assert.ok(error.isOutOfMemory);
      assert.equal(error.requestedBytes, 2 ** 42);
      assert.ok(!error.isFatal);
      return true;
    },
  );
  assert.ok(device.allocate([{ dtype: "uint8", shape: [1] }]).length === 1, "and it goes on");
});

test("a session computes on the device, in tensors of its allocator too", () => {
  using session = runtime.createSession(identityModel(), { device });
  const [x] = device.allocate([{ dtype: "float32", shape: [2] }]);
  device.fill(x!, (elements) => {
    (elements as Float32Array).set([1.5, -2]);
  });
  using y = session.allocate("float32", [2]);
  using binding = session.bind().input("x", x!).output("y", y);
  session.runSync(binding);
  const read = new Float32Array(2);
  device.read(y, read);
  assert.deepEqual([...read], [1.5, -2]);
  assert.ok(session.memory()!.inUseBytes > 0);
  x![Symbol.dispose]();
});

test("an option that the provider does not know is refused with its name", () => {
  assert.throws(
    () => runtime.createSession(identityModel(), { device, cuda: { other: { no_such_option: "1" } } }),
    { name: "UserError", message: /no_such_option=1/ },
  );
});

test("random weights are the same on the CPU and on the GPU, bit for bit", () => {
  const model = findModel("mamba2-130m");
  const { weights } = buildModel(
    model,
    graphOptions(
      { ep: "cuda", dtype: "fp16", quant: null, lowering: "ssd-matmul", decodeLowering: "linear-attention" },
      "prefill",
      { logits: "last", positions: 1, tokensMultipleOf: 64 },
    ),
  );
  const host = runtime.device("cpu");
  using there = new WeightStore(device, new RandomWeights(3));
  using here = new WeightStore(host, new RandomWeights(3));
  const onGpu = there.tensors(weights);
  const onCpu = here.tensors(weights);
  assert.equal(there.parameterBytes, here.parameterBytes);
  for (const [name, tensor] of onCpu) {
    const bits = new Uint8Array(tensor.byteLength);
    device.read(onGpu.get(name)!, bits);
    const { buffer, byteOffset, byteLength } = tensor.data();
    assert.equal(Buffer.compare(bits, new Uint8Array(buffer, byteOffset, byteLength)), 0, name);
  }
});

test("3 GB of weights are made and uploaded within 10 seconds", () => {
  const { weights } = buildModel(
    findModel("mamba2-780m"),
    graphOptions(
      {
        ep: "cuda",
        dtype: "fp32",
        quant: null,
        lowering: "linear-attention",
        decodeLowering: "linear-attention",
      },
      "decode",
      { logits: "last", positions: 1, tokensMultipleOf: 1 },
    ),
  );
  const start = performance.now();
  using store = new WeightStore(device, new RandomWeights(1));
  store.tensors(weights);
  const seconds = (performance.now() - start) / 1000;
  assert.ok(store.parameterBytes > 3.1e9);
  assert.ok(seconds < 10, `${seconds} s`);
});
