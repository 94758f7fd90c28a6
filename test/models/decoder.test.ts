import assert from "node:assert/strict";
import { test } from "node:test";
import { Decoder } from "../../src/models/decoder.js";
import { fanIn } from "../../src/models/init.js";
import { ops } from "../../src/graph/index.js";

for (const separateProducts of [false, true])
  test(`a weight named twice is held once, its products ${separateProducts ? "apart" : "as one"}`, () => {
    const model = new Decoder("twice", {
      dtype: "float32",
      lowering: "linear-attention",
      logits: "last",
      positions: 1,
      tokensMultipleOf: 1,
      separateProducts,
    });
    const embedding = model.parameter("embed", [10, 4], fanIn(4));
    const parts = ["q", "k"].map((name) => ({ name, shape: [4, 4], init: fanIn(4) }));
    let x = ops.gather(embedding, model.inputIds);
    for (let use = 0; use < 2; use++) {
      const [q, k] = model.products(x, "qk", parts);
      x = ops.linear(ops.add(q!, k!), model.parameter("out", [4, 4], fanIn(4)));
    }
    const { weights, graph } = model.finish(x, embedding);
    const qk = separateProducts ? ["qk[0:4]", "qk[4:8]"] : ["qk"];
    const names = weights.map(({ name }) => name);
    assert.deepEqual(names, ["embed", ...qk, "out"]);
    assert.deepEqual(
      graph.weights.map(({ value }) => value.name),
      names,
    );
    assert.throws(() => model.parameter("out", [4, 5], fanIn(4)), /weight name "out" is already taken/);
  });
