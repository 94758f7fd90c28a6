import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openRuntime, type Session, type SessionOptions, type Tensor } from "../../src/ort/index.js";
import { collectGarbage } from "../support/collect-garbage.js";
import { tinyModel } from "../support/tiny-model.js";

const runtime = openRuntime();
const folder = mkdtempSync(join(tmpdir(), "ssm-scope-test-"));
after(() => {
  rmSync(folder, { recursive: true });
});

/** y = x W; the model says that W is in a file, which does not exist. */
const projection = (rows: number, columns: number): Uint8Array =>
  tinyModel({
    inputs: [["x", "FLOAT", ["n", rows]]],
    outputs: [["y", "FLOAT", ["n", columns]]],
    nodes: [{ op: "MatMul", in: ["x", "w"], out: ["y"] }],
    initializers: [{ name: "w", type: "FLOAT", dims: [rows, columns] }],
  });

/** y for an x of ones. */
function project(session: Session, rows: number): Float32Array {
  using x = runtime.tensor("float32", [1, rows], new Float32Array(rows).fill(1));
  using binding = session.bind().input("x", x).outputToHost("y");
  session.runSync(binding);
  return binding.outputs().get("y")!.data<Float32Array>();
}

const weights = (tensor: Tensor): SessionOptions => ({ initializers: new Map([["w", tensor]]) });

test("sessions share a weight and keep it alive after JavaScript has dropped it", async () => {
  const create = (): Session[] => {
    const w = runtime.tensor(
      "float32",
      [4, 3],
      Float32Array.from({ length: 12 }, (_, i) => i),
    );
    const sessions = [1, 2].map(() => runtime.createSession(projection(4, 3), weights(w)));
    w[Symbol.dispose]();
    return sessions;
  };
  const [first, second] = create() as [Session, Session];
  await collectGarbage();
  const garbage = Array.from({ length: 1000 }, () => new Float32Array(12).fill(Number.NaN));
  assert.deepEqual([...project(first, 4)], [18, 22, 26]);
  first[Symbol.dispose]();
  await collectGarbage();
  assert.deepEqual([...project(second, 4)], [18, 22, 26]);
  assert.equal(garbage.length, 1000);
});

test("sessions read the caller's memory, not a copy", () => {
  const data = new Float32Array(12).fill(1);
  const options = {
    ...weights(runtime.tensor("float32", [4, 3], data)),
    config: { "session.disable_prepacking": "1" },
  };
  using first = runtime.createSession(projection(4, 3), options);
  using second = runtime.createSession(projection(4, 3), options);
  data.fill(2);
  for (const session of [first, second]) assert.deepEqual([...project(session, 4)], [8, 8, 8]);
});

test("weights that the model does not declare so are refused", () => {
  const create = (name: string, tensor: Tensor) => () =>
    runtime.createSession(projection(4, 3), { initializers: new Map([[name, tensor]]) });
  const right = runtime.tensor("float32", [4, 3], new Float32Array(12));
  const turned = runtime.tensor("float32", [3, 4], new Float32Array(12));
  const ints = runtime.tensor("int32", [4, 3], new Int32Array(12));
  const refuses = (make: () => unknown, message: RegExp) => {
    assert.throws(make, { name: "UserError", message });
  };
  refuses(create("v", right), /The model has no initializer "v"; there are "w"/);
  refuses(
    create("w", turned),
    /Initializer "w" is float32 \[4, 3\] in the model; a tensor of float32 \[3, 4\] does not fit/,
  );
  refuses(create("w", ints), /a tensor of int32 \[4, 3\] does not fit/);
  create("w", right)()[Symbol.dispose]();
});

test("a weight that is neither given nor in a file is named", () => {
  const model = tinyModel({
    inputs: [["x", "FLOAT", [2, 2]]],
    outputs: [["y", "FLOAT", [2, 2]]],
    nodes: [
      { op: "MatMul", in: ["x", "w"], out: ["t"] },
      { op: "MatMul", in: ["t", "v"], out: ["y"] },
    ],
    initializers: ["w", "v"].map((name) => ({ name, type: "FLOAT" as const, dims: [2, 2] })),
  });
  const w = runtime.tensor("float32", [2, 2], new Float32Array(4));
  assert.throws(() => runtime.createSession(model, weights(w)), {
    name: "UserError",
    message: /no tensor is given for them: v\. Give them, or name the folder/,
  });
  assert.throws(() => runtime.createSession(model, { logSeverity: 4 }), { name: "OrtError" });
});

test("a file in the named folder serves the weights that are not given", () => {
  writeFileSync(join(folder, "nowhere.bin"), new Uint8Array(new Float32Array(12).fill(5).buffer));
  const config = { "session.model_external_initializers_file_folder_path": folder };
  using session = runtime.createSession(projection(4, 3), { config });
  assert.deepEqual([...project(session, 4)], [20, 20, 20]);
  using own = runtime.createSession(projection(4, 3), {
    config,
    ...weights(runtime.tensor("float32", [4, 3], new Float32Array(12).fill(1))),
  });
  assert.deepEqual([...project(own, 4)], [4, 4, 4]);
});

test("the optimizer refuses to compute from weights that it cannot see", () => {
  const model = tinyModel({
    inputs: [["x", "FLOAT", [2, 64]]],
    outputs: [["y", "FLOAT", [2, 64]]],
    nodes: [
      { op: "Transpose", in: ["w"], out: ["wt"] },
      { op: "MatMul", in: ["x", "wt"], out: ["y"] },
    ],
    initializers: [{ name: "w", type: "FLOAT", dims: [64, 64] }],
  });
  const w = runtime.tensor("float32", [64, 64], new Float32Array(64 * 64));
  const create = (optimization: "none" | "all") => () =>
    runtime.createSession(model, { ...weights(w), optimization, logSeverity: 4 });
  assert.throws(create("all"), { name: "OrtError" });
  create("none")()[Symbol.dispose]();
});

test("detached weights are refused before they are read", () => {
  const data = new Float32Array(12);
  const w = runtime.tensor("float32", [4, 3], data);
  using session = runtime.createSession(projection(4, 3), weights(w));
  structuredClone(data, { transfer: [data.buffer] });
  assert.throws(() => project(session, 4), { name: "UserError", message: /transferred away/ });
  assert.throws(() => runtime.createSession(projection(4, 3), weights(w)), { name: "UserError" });
});

test("re-ordered weights are held once for all sessions that share them", () => {
  const size = 4096;
  const bytes = size * size * 4; // 64 MiB
  const w = runtime.tensor("float32", [size, size], new Float32Array(size * size).fill(0.5));
  const model = projection(size, size);

  // Without sharing, each session's arena holds a copy in its own order.
  using alone = runtime.createSession(model, weights(w));
  assert.ok(alone.memory()!.inUseBytes >= bytes);

  const prepacked = runtime.createPrepackedWeights();
  const create = () => runtime.createSession(model, { ...weights(w), prepacked });
  using first = create();
  const before = process.memoryUsage.rss();
  const others = [create(), create()];
  const grown = process.memoryUsage.rss() - before;
  prepacked[Symbol.dispose]();
  for (const session of [first, ...others]) {
    assert.ok(session.memory()!.inUseBytes < bytes / 64);
    assert.equal(project(session, size)[size - 1], size / 2);
  }
  assert.ok(grown < bytes / 2, `two more sessions took ${grown} bytes`);
  for (const session of others) session[Symbol.dispose]();
  assert.equal(project(first, size)[0], size / 2);
});
