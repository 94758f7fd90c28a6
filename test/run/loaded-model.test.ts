import assert from "node:assert/strict";
import { test } from "node:test";
import { RandomWeights } from "../../src/models/index.js";
import { openRuntime } from "../../src/ort/index.js";
import { Generator, LoadedModel, WeightStore, type WeightSource } from "../../src/run/index.js";
import { tinyCells } from "../support/tiny-cells.js";

const cell = tinyCells({ promptTokens: [64], newTokens: 2, repeats: 1 }).find(
  ({ model }) => model.family === "ssm",
)!;

test("a generator refuses prompts that its graphs were not built for", async () => {
  using loaded = new LoadedModel(openRuntime(), [cell]);
  using generator = new Generator({ ...cell, segmentTokens: 64 }, loaded);
  assert.equal((await generator.prefill(new BigInt64Array(64).fill(1n))).length, 1);
  await assert.rejects(generator.prefill(new BigInt64Array(65).fill(1n)), {
    name: "RangeError",
    message: /a prompt of 65 tokens does not fit: at most 66, in multiples of 64/,
  });
  using any = new Generator(cell, loaded, { promptTokens: [64, 5] });
  assert.equal((await any.prefill(new BigInt64Array(5).fill(1n))).length, 1);
  await assert.rejects(any.prefill(new BigInt64Array(67).fill(1n)), /at most 66, in multiples of 1/);
});

test("weights that could not be made are not there, and are made the next time", () => {
  const device = openRuntime().device("cpu");
  let broken = true;
  const source: WeightSource = {
    fill: (_, out) => {
      if (broken && out.length === 4) throw new RangeError("Array buffer allocation failed");
      out.fill(3);
    },
  };
  using store = new WeightStore(device, source);
  const weight = (name: string, size: number) =>
    ({ role: "parameter", name, dtype: "float32", shape: [size], parts: [] }) as const;
  const wanted = [weight("a", 2), weight("b", 4)];
  assert.equal(store.missingBytes(wanted), 24);
  assert.throws(() => store.tensors(wanted), RangeError);
  assert.equal(store.parameterBytes, 0);
  broken = false;
  assert.deepEqual([...store.tensors(wanted).get("b")!.data()], [3, 3, 3, 3]);
  assert.equal(store.parameterBytes, 24);
  assert.equal(store.missingBytes(wanted), 0);
});

test("rows of a weight lie in its memory", () => {
  using store = new WeightStore(openRuntime().device("cpu"), new RandomWeights(1));
  const part = { name: "w", shape: [4, 3], init: { kind: "formula", at: (i: number) => i } } as const;
  const all = { role: "parameter", name: "w", dtype: "float32", shape: [4, 3], parts: [part] } as const;
  const rows = {
    ...all,
    name: "w[1:3]",
    shape: [2, 3],
    rows: { of: "w", ofShape: [4, 3], from: 1 },
  } as const;
  const tensors = store.tensors([rows]);
  assert.deepEqual([...tensors.get("w[1:3]")!.data()], [3, 4, 5, 6, 7, 8]);
  assert.equal(store.parameterBytes, 48);
  const whole = store.tensors([all]).get("w")!.data<Float32Array>();
  whole[3] = 42;
  assert.equal(tensors.get("w[1:3]")!.data()[0], 42);
});
