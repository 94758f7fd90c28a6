import assert from "node:assert/strict";
import { test } from "node:test";
import { openRuntime } from "../../src/ort/index.js";
import { collectGarbage } from "../support/collect-garbage.js";
import { identityModel, tinyModel } from "../support/tiny-model.js";

const runtime = openRuntime();

/** y = x multiplied by itself again and again: some tens of milliseconds. */
const SIZE = 512;
const slowModel = tinyModel({
  inputs: [["x", "FLOAT", [SIZE, SIZE]]],
  outputs: [["y", "FLOAT", [SIZE, SIZE]]],
  nodes: Array.from({ length: 40 }, (_, i) => ({
    op: "MatMul",
    in: [i === 0 ? "x" : `t${i}`, "x"],
    out: [i === 39 ? "y" : `t${i + 1}`],
  })),
});

const slowSession = () => {
  const session = runtime.createSession(slowModel, { threads: 1, logSeverity: 4 });
  const identity = new Float32Array(SIZE * SIZE);
  for (let i = 0; i < SIZE; i++) identity[i * SIZE + i] = 1;
  const bind = () =>
    session
      .bind()
      .input("x", runtime.tensor("float32", [SIZE, SIZE], identity))
      .outputToHost("y");
  return { session, bind, identity };
};

test("the event loop is free during a run", async () => {
  const { session, bind } = slowSession();
  const ticks: number[] = [];
  const start = performance.now();
  const timer = setInterval(() => ticks.push(performance.now() - start), 2);
  await session.run(bind());
  clearInterval(timer);
  const took = performance.now() - start;
  assert.ok(took > 10, `the model ran for ${took} ms only`);
  assert.ok(
    ticks.some((at) => at > took * 0.2 && at < took * 0.8),
    `ticks at ${ticks.join()} of ${took} ms`,
  );
});

test("a binding in use is neither run nor changed; another one runs beside it", async () => {
  const { session, bind, identity } = slowSession();
  const [first, second] = [bind(), bind()];
  const inUse = { name: "UserError", message: /in use by a run/ };
  const runs = [session.run(first), session.run(second)];
  await assert.rejects(session.run(first), inUse);
  assert.throws(() => {
    session.runSync(first);
  }, inUse);
  assert.throws(() => first.outputToHost("y"), inUse);
  assert.throws(() => first.outputs(), inUse);
  await Promise.all(runs);
  for (const binding of [first, second]) assert.deepEqual(binding.outputs().get("y")!.data(), identity);
  await session.run(first);
});

test("everything may be disposed and forgotten while a run is under way", async () => {
  const start = (): Promise<void> => {
    const { session, bind } = slowSession();
    const binding = bind();
    const run = session.run(binding);
    session[Symbol.dispose]();
    binding[Symbol.dispose]();
    return run;
  };
  const run = start();
  await collectGarbage();
  await run;
});

test("an aborted run rejects with the signal's reason and the binding can run again", async () => {
  const { session, bind } = slowSession();
  const binding = bind();
  const control = new AbortController();
  const run = session.run(binding, { signal: control.signal });
  setTimeout(() => {
    control.abort(new Error("enough"));
  }, 5);
  await assert.rejects(run, { message: "enough" });
  await assert.rejects(session.run(binding, { signal: control.signal }), { message: "enough" });
  await session.run(binding, { signal: new AbortController().signal });
});

test("more runs than threads are waited for", async () => {
  using session = runtime.createSession(identityModel());
  const results = await Promise.all(
    Array.from({ length: 32 }, async (_, i) => {
      using x = runtime.tensor("float32", [1], Float32Array.of(i));
      using binding = session.bind().input("x", x).outputToHost("y");
      await session.run(binding);
      return binding.outputs().get("y")!.data<Float32Array>()[0];
    }),
  );
  assert.deepEqual(
    results,
    Array.from({ length: 32 }, (_, i) => i),
  );
});

test("run options are handed on", async () => {
  using session = runtime.createSession(identityModel());
  const x = runtime.tensor("float32", [1], new Float32Array(1));
  using binding = session.bind().input("x", x).outputToHost("y");
  await session.run(binding, { tag: "one", config: { "memory.enable_memory_arena_shrinkage": "cpu:0" } });
  session.runSync(binding, { tag: "two" });
  const wrong = { "memory.enable_memory_arena_shrinkage": "nonsense" };
  await assert.rejects(session.run(binding, { config: wrong }), { name: "OrtError" });
});
