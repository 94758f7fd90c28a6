import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { suite, test } from "node:test";
import { UserError } from "../../src/errors.js";
import { parseSafetensors, readSafetensors, type Tensor } from "./safetensors.js";

const FIXTURES = resolve(import.meta.dirname, "../fixtures/hf");
const PROMPT_LENGTHS = [1, 7, 64, 130];
const GREEDY_TOKENS = 16;

interface Oracle {
  /** null where transformers has no such architecture, so that there is nothing to compare the recurrence with. */
  transformers: string | null;
  parameters: number;
  prompts: Record<string, { oracle: string; max_relative_difference?: number }>;
}

const readJson = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"));
const folders = readdirSync(FIXTURES, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

function floats(tensors: Map<string, Tensor>, name: string, shape: number[]): Float32Array {
  const tensor = tensors.get(name);
  assert.equal(tensor?.dtype, "F32", name);
  assert.deepEqual(tensor.shape, shape, name);
  assert.ok(tensor.data.every(Number.isFinite), `${name} is finite`);
  assert.ok(new Set(tensor.data).size > tensor.data.length / 2, `${name} varies`);
  return tensor.data;
}

function ids(tensors: Map<string, Tensor>, name: string, length: number, vocabulary: number): number[] {
  const tensor = tensors.get(name);
  assert.equal(tensor?.dtype, "I64", name);
  assert.deepEqual(tensor.shape, [length], name);
  const values = Array.from(tensor.data, Number);
  assert.ok(
    values.every((id) => id >= 0 && id < vocabulary),
    `${name} lies in the vocabulary`,
  );
  return values;
}

test("the fixtures are those the graphs are tested on", () => {
  assert.deepEqual(folders.sort(), [
    ...["falcon_h1", "falcon_h1-norm", "falcon_h1-norm-first", "gpt_neo", "hymba", "llama"],
    ...["mamba", "mamba2", "mamba2-groups", "phi3", "qwen2", "zamba2", "zamba2-blocks"],
  ]);
});

for (const name of folders)
  suite(`fixture ${name}`, () => {
    const folder = join(FIXTURES, name);
    const { vocab_size: vocabulary } = readJson(join(folder, "config.json")) as { vocab_size: number };
    const oracle = readJson(join(folder, "oracle.json")) as Oracle;
    const expected = readSafetensors(join(folder, "expected.safetensors"));

    test("has as many weights as its oracle counted, all finite", () => {
      const weights = [...readSafetensors(join(folder, "model.safetensors")).values()];
      assert.ok(weights.every(({ dtype, data }) => dtype === "F32" && data.every(Number.isFinite)));
      assert.equal(
        weights.reduce((sum, { data }) => sum + data.length, 0),
        oracle.parameters,
      );
    });

    for (const length of PROMPT_LENGTHS)
      test(`has ids and logits of the prompt of ${length}${oracle.transformers === null ? "" : ", on which two oracles agree"}`, () => {
        ids(expected, `ids.${length}`, length, vocabulary);
        floats(expected, `logits.${length}`, [vocabulary]);
        const { oracle: kind, max_relative_difference: difference } = oracle.prompts[length]!;
        if (oracle.transformers === null) assert.equal(kind, "float64 recurrence");
        else assert.ok(difference! < 1e-4);
      });

    test("continues greedily from the prompt of 64", () => {
      const tokens = ids(expected, "greedy.ids", GREEDY_TOKENS, vocabulary);
      const logits = floats(expected, "greedy.logits", [GREEDY_TOKENS, vocabulary]);
      const steps = tokens.map((_, i) => logits.subarray(i * vocabulary, (i + 1) * vocabulary));
      assert.deepEqual(
        steps.map((row) => row.indexOf(Math.max(...row))),
        tokens,
      );
      const last = floats(expected, "logits.64", [vocabulary]);
      const all = floats(expected, "logits.64.all", [64, vocabulary]);
      assert.deepEqual(steps[0], last);
      assert.deepEqual(all.subarray(63 * vocabulary), last);
    });
  });

/** A safetensors file of the given header, followed by `dataBytes` zeros. */
function file(header: unknown, dataBytes: number): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const entry = (begin: number, end: number, shape = [(end - begin) / 4], dtype = "F32"): object => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

test("reads empty and scalar tensors, and bytes that are not aligned", () => {
  const bytes = file({ a: entry(0, 4, []), b: entry(4, 4, [0, 3]) }, 4);
  const shifted = new Uint8Array(bytes.length + 1).subarray(1);
  shifted.set(bytes);
  new DataView(shifted.buffer, shifted.byteOffset).setFloat32(bytes.length - 4, 1.5, true);
  const tensors = parseSafetensors(shifted, "t");
  assert.deepEqual(tensors.get("a"), { dtype: "F32", shape: [], data: new Float32Array([1.5]) });
  assert.deepEqual(tensors.get("b"), { dtype: "F32", shape: [0, 3], data: new Float32Array(0) });
});

const REFUSED: [string, Uint8Array, RegExp][] = [
  ["fewer than 8 bytes", new Uint8Array(7), /has 7 bytes/],
  ["a header longer than the file", file({}, 0).with(0, 3), /header of 3 bytes, but 2 follow/],
  ["a header that is not JSON", file("{", 0), /not JSON/],
  ["a header that is not an object", file("[]", 0), /not a JSON object/],
  ["metadata other than strings", file({ __metadata__: { a: 1 } }, 0), /strings to strings/],
  ["a missing key", file({ a: { dtype: "F32", shape: [1] } }, 4), /"a": the header must give/],
  ["a key too many", file({ a: { ...entry(0, 4), more: 1 } }, 4), /and nothing else/],
  ["another type", file({ a: entry(0, 2, [1], "F16") }, 2), /dtype is "F16"/],
  ["a negative size", file({ a: entry(0, 4, [-1, -1]) }, 4), /shape is \[-1,-1\]/],
  ["one offset", file({ a: { ...entry(0, 4), data_offsets: [0] } }, 4), /data_offsets is \[0\]/],
  ["offsets that do not fit the shape", file({ a: entry(0, 8, [1]) }, 8), /span 8 bytes; F32 \[1\] has 4/],
  ["a hole", file({ a: entry(0, 4), b: entry(8, 12) }, 12), /"b": begins at byte 8; .* ends at 4/],
  ["an overlap", file({ a: entry(0, 8), b: entry(4, 8) }, 8), /"b": begins at byte 4; .* ends at 8/],
  ["bytes after the last tensor", file({ a: entry(0, 4) }, 5), /4 bytes together, but 5 follow/],
  ["tensors beyond the end", file({ a: entry(0, 8) }, 4), /8 bytes together, but 4 follow/],
];

for (const [what, bytes, message] of REFUSED)
  test(`refuses ${what}`, () => {
    assert.throws(
      () => parseSafetensors(bytes, "t"),
      (error) => error instanceof UserError && message.test(error.message),
    );
  });
