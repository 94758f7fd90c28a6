import assert from "node:assert/strict";
import { cpSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { UserError } from "../../../src/errors.js";
import { openRuntime } from "../../../src/ort/index.js";
import { loadRows, type Row } from "../../../src/record/index.js";
import {
  LoadedOnnx,
  planOnnx,
  runOnnx,
  type OnnxSettings,
  type RunOnnxOptions,
} from "../../../src/run/index.js";
import { tinyModel, type TinyModel } from "../../support/tiny-model.js";

const EXPORTS = new URL("../../fixtures/onnx/", import.meta.url).pathname;
const file = (name: string): string => join(EXPORTS, name, "model.onnx");

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "ssm-scope-onnx-"));
});
after(() => {
  rmSync(folder, { recursive: true });
});

const OPTIONS: RunOnnxOptions = { promptTokens: [8, 20], newTokens: 3, repeats: 2, progress: "none" };

for (const isolate of ["none", "cell"] as const)
  test(`rows of an exported model, isolated: ${isolate}`, async () => {
    const out = join(folder, isolate);
    const table = await runOnnx(file("dynamo"), { ...OPTIONS, isolate, out });
    const rows = table.objects() as Row[];
    assert.deepEqual(
      rows.map(({ status, prompt_tokens, repeat }) => [status, prompt_tokens, repeat]),
      [
        ["ok", 8, 0],
        ["ok", 8, 1],
        ["ok", 20, 0],
        ["ok", 20, 1],
      ],
    );
    const size = (name: string): number => statSync(join(EXPORTS, "dynamo", name)).size;
    for (const row of rows) {
      assert.deepEqual(
        [row.model, row.family, row.weights, row.dtype, row.logits, row.prompt],
        ["dynamo", "transformer", "exported", "fp32", "all", "seeded"],
      );
      for (const column of ["hf_id", "parameters", "gate", "cuda_graph"] as const)
        assert.equal(row[column] ?? null, null, column);
      assert.equal(row.itl_ms!.length, 2);
      assert.equal(row.weights_bytes, size("model.onnx") + size("model.onnx.data"));
      assert.equal(row.kv_cache_bytes, 2 * 4 * 32 * (row.prompt_tokens! + 3) * 4);
      const held = row.weights_bytes + row.kv_cache_bytes + row.peak_activation_bytes!;
      assert.equal(row.total_bytes, held);
    }
    assert.deepEqual(loadRows(out).objects(), rows);
  });

test("a campaign goes on with the same file under the same name only", async () => {
  const out = join(folder, "resumed");
  const options: RunOnnxOptions = { ...OPTIONS, promptTokens: [8], repeats: 1, out };
  await runOnnx(file("dynamo"), options);
  const again = await runOnnx(file("dynamo"), { ...options, resume: true });
  assert.equal(again.numRows(), 1);
  const other = await runOnnx(file("genai"), { ...options, resume: true, name: "dynamo" });
  assert.equal(other.numRows(), 2);
});

test("a document's tokens are the prompt, and another one is another cell", async () => {
  const [start, end] = [
    [1, 2, 3, 4],
    [5, 6, 7, 8],
  ] as const;
  const document = { name: "essay.txt 0123", ids: [...start, ...end] };
  const [whole] = planOnnx(file("dynamo"), { document });
  assert.deepEqual(whole!.prompt, document);
  const keyOf = (ids: readonly number[]): string =>
    planOnnx(file("dynamo"), { promptTokens: [4], document: { name: document.name, ids } })[0]!.key;
  assert.notEqual(keyOf(start), keyOf(end));
  assert.equal(keyOf(start), keyOf(document.ids));
  const rows = (
    await runOnnx(file("dynamo"), { newTokens: 2, repeats: 1, progress: "none", document })
  ).objects() as Row[];
  assert.deepEqual(
    rows.map(({ prompt, prompt_tokens }) => [prompt, prompt_tokens]),
    [["essay.txt 0123", 8]],
  );
});

/** The token after an id is the next id; a state that nothing changes. `keep` positions have logits. */
const COUNTING: TinyModel = {
  inputs: [
    ["input_ids", "INT32", ["batch", "tokens"]],
    ["num_logits_to_keep", "INT64", [1]],
    ["past_ssm.0", "FLOAT", ["batch", 4]],
  ],
  outputs: [
    ["logits", "FLOAT", ["batch", "positions", 50]],
    ["present_ssm.0", "FLOAT", ["batch", 4]],
  ],
  nodes: [
    { op: "Add", in: ["input_ids", "one"], out: ["next"] },
    { op: "Cast", in: ["next"], out: ["index"], attributes: { to: 7 } },
    { op: "OneHot", in: ["index", "depth", "values"], out: ["all"] },
    { op: "Neg", in: ["num_logits_to_keep"], out: ["from"] },
    { op: "Slice", in: ["all", "from", "end", "axis"], out: ["logits"] },
    { op: "Identity", in: ["past_ssm.0"], out: ["present_ssm.0"] },
  ],
  initializers: [
    { name: "one", type: "INT32", dims: [1], bytes: new Uint8Array(Int32Array.of(1).buffer) },
    { name: "depth", type: "INT64", dims: [1], bytes: new Uint8Array(BigInt64Array.of(50n).buffer) },
    { name: "values", type: "FLOAT", dims: [2], bytes: new Uint8Array(Float32Array.of(0, 1).buffer) },
    { name: "end", type: "INT64", dims: [1], bytes: new Uint8Array(BigInt64Array.of(2n ** 62n).buffer) },
    { name: "axis", type: "INT64", dims: [1], bytes: new Uint8Array(BigInt64Array.of(1n).buffer) },
  ],
};

for (const logits of ["last", "all"] as const)
  test(`num_logits_to_keep asks for the logits of ${logits}, ids of 32 bits, rows apart`, async () => {
    const path = join(folder, "counting.onnx");
    writeFileSync(path, tinyModel(COUNTING));
    const [cell] = planOnnx(path, { promptTokens: [5], newTokens: 4, batch: 2, segmentTokens: 3, logits });
    assert.deepEqual([cell!.model.name, cell!.model.family, cell!.logits], ["counting", "ssm", logits]);
    using loaded = new LoadedOnnx(openRuntime(), [cell!]);
    using generator = loaded.open(cell!);
    const prompt = BigInt64Array.of(1n, 9n, 1n, 9n, 20n, 2n, 8n, 2n, 8n, 30n);
    assert.deepEqual(await generator.prefill(prompt), [21n, 31n]);
    assert.deepEqual(await generator.step(), [22n, 32n]);
    assert.deepEqual(await generator.step([5n, 6n]), [6n, 7n]);
    assert.deepEqual(
      [...generator.logits].flatMap((value, i) => (value === 1 ? [i] : [])),
      [6, 57],
    );
    assert.equal(generator.ssmStateBytes, 2 * 4 * 4);
  });

test("without num_logits_to_keep, all or last is what the file gives; with it, last unless all is asked for", () => {
  const path = join(folder, "counting.onnx");
  writeFileSync(path, tinyModel(COUNTING));
  assert.equal(planOnnx(path, { promptTokens: [5] })[0]!.logits, "last");
  assert.throws(() => planOnnx(file("dynamo"), { promptTokens: [5], logits: "last" }), /gives those of all/);
});

test("the head size that onnxruntime-genai keeps beside its file, or else the one that is given", () => {
  const alone = join(folder, "alone", "onnx");
  cpSync(join(EXPORTS, "genai"), alone, { recursive: true });
  rmSync(join(alone, "genai_config.json"));
  const path = join(alone, "model.onnx");
  assert.throws(
    () => planOnnx(path, { promptTokens: [8] }),
    /past_key_values\.0\.key .* channels that its shape does not say; give the head size \(--head-size\)/,
  );
  const [cell] = planOnnx(path, { promptTokens: [8], headSize: 32 });
  assert.deepEqual(cell!.model.interface, planOnnx(file("genai"), { promptTokens: [8] })[0]!.model.interface);
  assert.equal(cell!.model.name, "alone");
  writeFileSync(join(alone, "genai_config.json"), "{");
  assert.throws(() => planOnnx(path, { promptTokens: [8] }), /genai_config\.json is not JSON/);
});

const REFUSED: [string, string, OnnxSettings & Record<string, unknown>, RegExp][] = [
  ["no length", "dynamo", {}, /no prompt length given/],
  [
    "a dtype",
    "dynamo",
    { promptTokens: [8], dtype: "fp16" },
    /the dtype cannot be chosen for an exported model/,
  ],
  [
    "a CUDA graph",
    "dynamo",
    { promptTokens: [8], ep: "cuda", cudaGraph: "on" },
    /cannot be replayed as a CUDA graph/,
  ],
  ["a head size of 0", "dynamo", { promptTokens: [8], headSize: 0 }, /the head size is 0/],
  [
    "another head size",
    "dynamo",
    { promptTokens: [8], headSize: 64 },
    /dynamo\/model\.onnx cannot be measured: past_key_values\.0\.key .* given as 64/,
  ],
  [
    "segments of a batch",
    "genai",
    { promptTokens: [64], batch: 2, segmentTokens: 32 },
    /genai cannot carry its cache from segment to segment with a batch of 2/,
  ],
  [
    "a small budget",
    "dynamo",
    { promptTokens: [8], ep: "cuda", memoryBytes: 1000 },
    /the memory budget is 1000 bytes, but the files of dynamo alone are 401709/,
  ],
  [
    "a short document",
    "dynamo",
    { promptTokens: [8], document: { name: "a.txt", ids: [1, 2] } },
    /the prompt length is 8, but a\.txt has 2 tokens/,
  ],
  [
    "foreign tokens",
    "dynamo",
    { document: { name: "a.txt", ids: [1, 160] } },
    /a\.txt has token 160, but the vocabulary of dynamo ends at 159/,
  ],
];

suite("settings that make no sense are refused", () => {
  for (const [what, name, settings, message] of REFUSED)
    test(what, () => {
      assert.throws(
        () => planOnnx(file(name), settings),
        (error: unknown) => {
          assert.ok(error instanceof UserError);
          assert.match(error.message, message);
          return true;
        },
      );
    });

  test("a batch that the file has fixed", () => {
    const path = join(folder, "one.onnx");
    const inputs = COUNTING.inputs.map(([name, type, shape]) => [
      name,
      type,
      shape!.map((size) => (size === "batch" ? 1 : size)),
    ]);
    writeFileSync(path, tinyModel({ ...COUNTING, inputs } as TinyModel));
    assert.throws(
      () => planOnnx(path, { promptTokens: [8], batch: 2 }),
      /the batch is 2, but one was exported for 1 only/,
    );
  });
});
