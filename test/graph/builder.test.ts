import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { encodeModel, Graph, GraphError, ops, WEIGHTS_FILE } from "../../src/graph/index.js";
import { f32, runGraph } from "../support/run-graph.js";

const nodeNames = (graph: Graph): string[] =>
  fromBinary(ModelProtoSchema, encodeModel(graph)).graph!.node.map(({ name }) => name);

test("scopes name the nodes, and a second node of a kind is numbered", () => {
  const graph = new Graph("g");
  const x = graph.input("x", "float32", ["n"]);
  graph.scope("layers.3", () => {
    graph.scope("mixer", () => {
      ops.exp(x);
      ops.exp(x);
    });
  });
  assert.deepEqual(
    graph.nodes.map(({ name }) => name),
    ["/layers.3/mixer/Exp", "/layers.3/mixer/Exp_1"],
  );
  assert.deepEqual(nodeNames(graph).sort(), ["/layers.3/mixer/Exp", "/layers.3/mixer/Exp_1"]);
});

test("nodes that nobody consumes come last in the file, the first made last", () => {
  const graph = new Graph("g");
  let x = graph.input("x", "float32", ["n"]);
  for (const layer of [0, 1])
    graph.scope(`layers.${layer}`, () => {
      x = ops.exp(x);
      graph.output(`present.${layer}`, ops.neg(x));
    });
  graph.output("y", ops.softplus(x));
  assert.deepEqual(nodeNames(graph), [
    "/layers.0/Exp",
    "/layers.1/Exp",
    "/Softplus",
    "/layers.1/Neg",
    "/layers.0/Neg",
  ]);
});

test("equal constants are one, others are not", () => {
  const graph = new Graph("g");
  const a = graph.constant("int64", [2], [1, 2]);
  assert.equal(graph.constant("int64", [2], [1, 2]), a);
  assert.notEqual(graph.constant("int32", [2], [1, 2]), a);
  assert.notEqual(graph.constant("int64", [1, 2], [1, 2]), a);
  assert.equal(graph.constants.length, 3);
});

test("a scope that throws is left again", () => {
  const graph = new Graph("g");
  assert.throws(() => graph.scope("inner", () => assert.fail("boom")), /boom/);
  assert.equal(graph.scopePath, "");
});

test("errors are raised where the graph is wrong and name the scope", () => {
  const graph = new Graph("g");
  const x = graph.input("x", "float32", ["n", 8]);
  const cases: [() => unknown, RegExp][] = [
    [
      () => ops.add(x, graph.constant("int64", [1], [1])),
      /Add needs inputs of one type.*float32\[n, 8\].*int64\[1\]/,
    ],
    [() => ops.add(x, graph.constant("float32", [3], [1, 2, 3])), /Add cannot broadcast/],
    [
      () => ops.linear(x, graph.weight("w", "float32", [4, 7])),
      /linear cannot multiply "x" \[n, 8\] by "w" \[4, 7\]/,
    ],
    [
      () => ops.reshape(graph.constant("float32", [6], [1, 2, 3, 4, 5, 6]), [4]),
      /reshape cannot turn \[6\] into \[4\]/,
    ],
    [() => ops.split(x, [3, 4]), /split into 3 \+ 4 = 7 does not fit axis -1 of \[n, 8\]/],
    [() => ops.transpose(x, [0, 0]), /transpose \[0, 0\] does not fit/],
    [() => ops.transpose(x, [0, 5]), /transpose \[0, 5\] does not fit/],
    [() => ops.reshape(x, [0, 0, 0]), /reshape has no dimension 2 of \[n, 8\] to copy/],
    [() => ops.unsqueeze(x, 9), /unsqueeze has no axis 9/],
    [() => ops.softplus(ops.cast(x, "float16")), /Softplus needs float32/],
    [
      () => ops.rmsNorm(x, graph.constant("float32", [4], [1, 1, 1, 1]), 1e-5),
      /rmsNorm needs a weight of shape \[8\]/,
    ],
    [() => ops.gather(x, x), /Gather needs int64 or int32/],
    [() => ops.squeeze(x, 5), /Squeeze has no axis 5/],
    [() => graph.input("x", "float32", [1]), /the input name "x" is already taken/],
    [() => graph.constant("float32", [2], [1]), /cannot hold 1 values/],
    [() => ops.add(x, new Graph("other").input("y", "float32", [8])), /belongs to the graph "other"/],
  ];
  for (const [build, message] of cases)
    assert.throws(
      () => graph.scope("layers.0", () => graph.scope("mlp", build)),
      (error: unknown) => {
        assert.ok(error instanceof GraphError, String(error));
        assert.equal(error.scope, "/layers.0/mlp");
        assert.match(error.message, message);
        return true;
      },
    );
});

test("an output takes its name whether it was computed, fed, constant or given out before", async () => {
  const graph = new Graph("g");
  const x = graph.input("x", "float32", [2]);
  const y = ops.exp(x);
  graph.output("first", y);
  graph.output("second", y);
  graph.output("fed", x);
  graph.output("fixed", graph.constant("float32", [1], [7]));
  assert.throws(() => {
    graph.output("first", x);
  }, /"first" is already taken/);
  const results = await runGraph(graph, { x: f32([2], [0, 1]) });
  assert.deepEqual(Object.keys(results).sort(), ["fed", "first", "fixed", "second"]);
  assert.deepEqual(results.first!.data, results.second!.data);
  assert.deepEqual([...(results.fixed!.data as Float32Array)], [7]);
});

test("weights lie in an external file at aligned offsets, where ONNX Runtime finds them", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ssm-scope-graph-"));
  try {
    const graph = new Graph("g");
    const x = graph.input("x", "float32", [1, 2]);
    const first = graph.weight("first", "float32", [3, 2]);
    const second = graph.weight("second", "float32", [3]);
    graph.output("y", ops.linear(x, first, second));
    assert.deepEqual(
      graph.weights.map(({ offset, byteLength }) => [offset, byteLength]),
      [
        [0, 24],
        [4096, 12],
      ],
    );
    const file = new Float32Array(1024 + 3);
    file.set([1, 2, 3, 4, 5, 6]);
    file.set([10, 20, 30], 1024);
    writeFileSync(join(folder, WEIGHTS_FILE), file);
    writeFileSync(join(folder, "model.onnx"), encodeModel(graph));
    const session = await InferenceSession.create(join(folder, "model.onnx"));
    const { y } = await session.run({ x: new Tensor("float32", [1, 10], [1, 2]) });
    await session.release();
    assert.deepEqual([...(y!.data as Float32Array)], [21 + 10, 43 + 20, 65 + 30]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
