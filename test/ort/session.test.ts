import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openRuntime, OrtError } from "../../src/ort/index.js";
import { collectGarbage } from "../support/collect-garbage.js";
import { identityModel, tinyModel } from "../support/tiny-model.js";

const runtime = openRuntime();
const folder = mkdtempSync(join(tmpdir(), "ssm-scope-test-"));
after(() => {
  rmSync(folder, { recursive: true });
});

/** y = x W, with W of the given size inside the model. */
const matmulModel = (size: number): Uint8Array =>
  tinyModel({
    inputs: [["x", "FLOAT", ["n", size]]],
    outputs: [["y", "FLOAT", ["n", size]]],
    nodes: [{ op: "MatMul", in: ["x", "w"], out: ["y"] }],
    initializers: [{ name: "w", type: "FLOAT", dims: [size, size], bytes: new Uint8Array(4 * size * size) }],
  });

test("a session tells its inputs and outputs", () => {
  const model = tinyModel({
    inputs: [
      ["ids", "INT64", ["batch", "tokens"]],
      ["mask", "BOOL", [1, "tokens"]],
      ["scale", "FLOAT16", []],
    ],
    outputs: [
      ["ids_out", "INT64", null],
      ["mask_out", "BOOL", [1, "tokens"]],
      ["scale_out", "FLOAT16", []],
    ],
    nodes: ["ids", "mask", "scale"].map((name) => ({ op: "Identity", in: [name], out: [`${name}_out`] })),
  });
  using session = runtime.createSession(model);
  assert.deepEqual(session.inputs, [
    { name: "ids", dtype: "int64", shape: ["batch", "tokens"] },
    { name: "mask", dtype: "bool", shape: [1, "tokens"] },
    { name: "scale", dtype: "float16", shape: [] },
  ]);
  assert.deepEqual(
    session.outputs.map(({ name, dtype }) => [name, dtype]),
    [
      ["ids_out", "int64"],
      ["mask_out", "bool"],
      ["scale_out", "float16"],
    ],
  );
});

test("a model may be a file", () => {
  const path = join(folder, "identität.onnx");
  writeFileSync(path, identityModel());
  using session = runtime.createSession(path);
  assert.equal(session.inputs[0]!.name, "x");
});

test("a model that cannot be loaded is an OrtError, or a UserError where we know better", () => {
  const create = (model: Uint8Array | string) => () => runtime.createSession(model, { logSeverity: 4 });
  assert.throws(create(new Uint8Array(100).fill(7)), (error) => {
    assert.ok(error instanceof OrtError);
    assert.equal(error.codeName, "INVALID_PROTOBUF");
    assert.match(
      error.message,
      /^CreateSessionFromArray failed \(INVALID_PROTOBUF\): .*protobuf parsing failed/,
    );
    return true;
  });
  const unknownOperator = { op: "NoSuchOperator", in: ["x"], out: ["y"] };
  const wrong = tinyModel({
    inputs: [["x", "FLOAT", [1]]],
    outputs: [["y", "FLOAT", [1]]],
    nodes: [unknownOperator],
  });
  assert.throws(create(wrong), { name: "OrtError", codeName: "INVALID_GRAPH", message: /NoSuchOperator/ });
  const cut = identityModel();
  assert.throws(create(cut.subarray(0, cut.length - 5)), { name: "OrtError" });
  const strings = identityModel("STRING");
  assert.throws(create(strings), { name: "UserError", message: /"x" of the model has element type 8/ });
  assert.throws(create(undefined as unknown as string), {
    name: "UserError",
    message: /must be a Uint8Array/,
  });
  assert.throws(create(new Uint8Array(0)), { name: "UserError", message: "The model has no bytes." });
  assert.throws(create(join(folder, "missing.onnx")), {
    name: "UserError",
    message: /no model file at .*missing/,
  });
  assert.throws(create(folder), { name: "UserError", message: /no model file at/ });
  const text = join(folder, "text.onnx");
  writeFileSync(text, "this is no model");
  assert.throws(create(text), { name: "OrtError" });
});

test("wrong options are refused by name and value", () => {
  const refuses = (options: object, message: RegExp) => {
    assert.throws(() => runtime.createSession(identityModel(), options), {
      name: "UserError",
      message,
    });
  };
  refuses({ threads: 0 }, /threads is 0; it must be a whole number/);
  refuses({ threads: 1.5 }, /threads is 1\.5/);
  refuses({ optimization: "most" }, /optimization is "most"; it must be one of none, basic, extended, all/);
  refuses({ logSeverity: 9 }, /logSeverity is 9/);
  refuses({ profilePrefix: join(folder, "missing", "profile") }, /its folder does not exist/);
});

test("every option is taken", () => {
  for (const optimization of ["none", "basic", "extended", "all"] as const) {
    using session = runtime.createSession(identityModel(), {
      optimization,
      threads: 2,
      logSeverity: 3,
      memoryPattern: false,
      config: { "session.intra_op.allow_spinning": "0" },
    });
    assert.equal(session.inputs.length, 1);
  }
  // ONNX Runtime refuses a configuration key that is too long, so an entry does arrive there.
  const config = { ["k".repeat(5000)]: "1" };
  assert.throws(() => runtime.createSession(identityModel(), { config }), { name: "OrtError" });
});

test("a profile is written when profiling ends, and only when it was on", () => {
  using session = runtime.createSession(identityModel(), { profilePrefix: join(folder, "profile") });
  using binding = session
    .bind()
    .input("x", runtime.tensor("float32", [1], new Float32Array(1)))
    .outputToHost("y");
  session.runSync(binding);
  const path = session.endProfiling();
  assert.ok(path.startsWith(join(folder, "profile")));
  const events = JSON.parse(readFileSync(path, "utf8")) as { args?: { op_name?: string } }[];
  assert.ok(events.some(({ args }) => args?.op_name === "Identity"));
  assert.throws(() => session.endProfiling(), { name: "UserError", message: /not profiling/ });
  using silent = runtime.createSession(identityModel());
  assert.throws(() => silent.endProfiling(), { name: "UserError", message: /create it with profilePrefix/ });
});

test("the allocator's statistics follow what is allocated", () => {
  using session = runtime.createSession(identityModel());
  const before = session.memory()!;
  const tensor = session.allocate("float32", [2 ** 18]);
  const during = session.memory()!;
  assert.equal(during.inUseBytes - before.inUseBytes, 2 ** 20);
  assert.equal(during.allocations - before.allocations, 1);
  assert.ok(during.totalAllocatedBytes >= during.inUseBytes);
  assert.equal(during.limitBytes, null);
  tensor[Symbol.dispose]();
  const freed = session.memory()!;
  assert.equal(freed.inUseBytes, before.inUseBytes);
  assert.equal(freed.maxInUseBytes, during.maxInUseBytes);
});

test("a tensor larger than the machine is out of memory, and the session lives on", () => {
  using session = runtime.createSession(identityModel());
  assert.throws(
    () => session.allocate("float32", [2 ** 44]),
    (error) => error instanceof OrtError && error.isOutOfMemory,
  );
  using small = session.allocate("float32", [4]);
  assert.equal(small.data().length, 4);
  assert.throws(() => session.allocate("float32", [-4]), { name: "UserError" });
});

/**
 * Resident bytes gained by doing something over and over: the least of three tries, as V8's own heap may grow in any
 * one of them, but a leak shows in all.
 */
async function growth(times: number, work: () => void | Promise<void>): Promise<number> {
  const residentAfter = async (count: number): Promise<number> => {
    for (let i = 0; i < count; i++) await work();
    await collectGarbage();
    return process.memoryUsage.rss();
  };
  let before = await residentAfter(40);
  const grown: number[] = [];
  for (let attempt = 0; attempt < 3; attempt++) {
    const after = await residentAfter(times);
    grown.push(after - before);
    before = after;
  }
  return Math.min(...grown);
}

test("200 sessions, their bindings and tensors leave nothing behind, in any order of disposal", async () => {
  const model = matmulModel(256);
  const sessionBytes = 256 * 256 * 4; // its weight alone; as much is in its arena
  const x = runtime.tensor("float32", [256, 256], new Float32Array(256 * 256));
  const grown = await growth(200, () => {
    const session = runtime.createSession(model, { threads: 1 });
    const y = session.allocate("float32", [256, 256]);
    const binding = session.bind().input("x", x).output("y", y);
    session.runSync(binding);
    session[Symbol.dispose]();
    y[Symbol.dispose]();
    binding[Symbol.dispose]();
  });
  assert.ok(grown < (200 * sessionBytes) / 2, `${grown} bytes were left by 200 sessions of ${sessionBytes}`);
});

test("tensors and failed calls leave nothing behind", async () => {
  using session = runtime.createSession(identityModel());
  const megabyte = new Float32Array(2 ** 18);
  const grown = await growth(100, () => {
    session.allocate("float32", [2 ** 18])[Symbol.dispose]();
    using binding = session
      .bind()
      .input("x", runtime.tensor("float32", [2 ** 18], megabyte))
      .outputToHost("y");
    session.runSync(binding);
    for (const output of binding.outputs().values()) output[Symbol.dispose]();
    assert.throws(() => runtime.createSession(new Uint8Array(1000).fill(7)), { name: "OrtError" });
  });
  assert.ok(grown < 25 * 2 ** 20, `${grown} bytes were left`);
});

test("sessions that were forgotten are released by the garbage collector", async () => {
  const model = matmulModel(256);
  let made = 0;
  const grown = await growth(60, async () => {
    runtime.createSession(model, { threads: 1 });
    if (++made % 20 === 0) await collectGarbage();
  });
  assert.ok(grown < (60 * 256 * 256 * 4) / 2, `${grown} bytes were left by forgotten sessions`);
});

test("a disposed session says so", async () => {
  const session = runtime.createSession(identityModel());
  const binding = session.bind();
  session[Symbol.dispose]();
  session[Symbol.dispose]();
  const disposed = { name: "UserError", message: /This session was disposed/ };
  assert.throws(() => session.bind(), disposed);
  assert.throws(() => session.allocate("float32", [1]), disposed);
  assert.throws(() => session.memory(), disposed);
  assert.throws(() => session.endProfiling(), disposed);
  assert.throws(() => {
    session.runSync(binding);
  }, disposed);
  await assert.rejects(session.run(binding), disposed);
});
