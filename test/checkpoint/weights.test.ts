import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import {
  CheckpointWeights,
  openCheckpoint,
  readConfig,
  readTensors,
  type PlainTensor,
} from "../../src/checkpoint/index.js";
import { elements, type FloatType } from "../../src/graph/index.js";
import {
  buildModel,
  lowerings,
  toBits,
  type Model,
  type WeightBits,
  type WeightSpec,
} from "../../src/models/index.js";
import { plan, type WeightSource } from "../../src/run/index.js";
import { fixture } from "../support/checkpoint.js";
import { relativeError, withGenerator } from "../support/generate.js";
import { writeSafetensors, type Written } from "../support/safetensors.js";
import { temporaryFolder } from "../support/temporary.js";

const folder = temporaryFolder();

type Stored = "F32" | "F16" | "BF16";
const FLOAT: Record<Stored, FloatType> = { F32: "float32", F16: "float16", BF16: "bfloat16" };

type Floats = Map<string, { shape: number[]; data: Float32Array }>;

/** The fixture's tensors. */
function floatsOf(name: string): Floats {
  const tensors = readTensors(join(fixture(name), "model.safetensors"));
  return new Map(
    [...tensors].map(([key, tensor]) => {
      assert.equal(tensor.dtype, "F32");
      return [key, tensor];
    }),
  );
}

const written = ({ shape, data }: { shape: number[]; data: Float32Array }, dtype: Stored): Written => {
  const { buffer } = toBits(data, FLOAT[dtype]);
  return { dtype, shape, bytes: new Uint8Array(buffer) };
};

/** A folder with the fixture's config.json and its tensors in another type, in one file or several. */
function copyOf(name: string, dtype: Stored, shards = 1): string {
  const to = join(folder, `${name}-${dtype}-${shards}`);
  if (existsSync(to)) return to;
  mkdirSync(to);
  cpSync(join(fixture(name), "config.json"), join(to, "config.json"));
  const tensors = [...floatsOf(name)].map(([key, tensor]) => [key, written(tensor, dtype)] as const);
  if (shards === 1) {
    writeSafetensors(join(to, "model.safetensors"), new Map(tensors));
    return to;
  }
  const map: Record<string, string> = {};
  for (let shard = 0; shard < shards; shard++) {
    const file = `model-0000${shard + 1}-of-0000${shards}.safetensors`;
    const mine = tensors.filter((_, i) => i % shards === shard);
    for (const [key] of mine) map[key] = file;
    writeSafetensors(join(to, file), new Map(mine));
  }
  writeFileSync(join(to, "model.safetensors.index.json"), JSON.stringify({ metadata: {}, weight_map: map }));
  return to;
}

const NAMES = [
  ...["gpt_neo", "qwen2", "llama", "phi3", "mamba", "mamba2-groups", "falcon_h1", "falcon_h1-norm"],
  ...["zamba2", "zamba2-blocks", "hymba"],
];

const COPIES = [
  ["F32", 3],
  ["F16", 1],
  ["BF16", 2],
] as const;

const specsOf = (model: Model, dtype: FloatType): readonly WeightSpec[] =>
  buildModel(model, {
    dtype,
    lowering: lowerings(model)[0] ?? "linear-attention",
    logits: "last",
    positions: 8,
    tokensMultipleOf: 1,
    separateProducts: false,
  }).weights;

/** What a weight must hold: the stored numbers, each part transformed, one after the other, rounded once. */
function valuesOf(spec: WeightSpec, tensors: Floats, stored: Stored): WeightBits {
  if (spec.role === "table") return toBits(spec.fill(), spec.dtype);
  const values = new Float32Array(elements(spec.shape));
  let at = 0;
  for (const { name, transform } of spec.parts) {
    const part = toFloat(toBits(tensors.get(name)!.data, FLOAT[stored]), stored);
    values.set(transform ? part.map(transform) : part, at);
    at += part.length;
  }
  return toBits(values, spec.dtype);
}

function toFloat(bits: WeightBits, stored: Stored): Float32Array {
  if (bits instanceof Float32Array) return bits;
  const wide = (value: number): number =>
    stored === "BF16" ? new Float32Array(Uint32Array.of(value << 16).buffer)[0]! : half(value);
  return Float32Array.from(bits, wide);
}

/** IEEE 754, section 3.4, binary16. */
function half(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

for (const name of NAMES)
  for (const [stored, shards] of COPIES)
    test(`${name}, ${stored} in ${shards} files: every weight of every type holds its numbers`, () => {
      const tensors = floatsOf(name);
      const path = copyOf(name, stored, shards);
      const model = readConfig(path);
      const source = new CheckpointWeights(openCheckpoint(path), model);
      for (const dtype of ["float32", "float16", "bfloat16"] as const)
        for (const spec of specsOf(model, dtype)) {
          const expected = valuesOf(spec, tensors, stored);
          const out =
            spec.dtype === "float32" ? new Float32Array(expected.length) : new Uint16Array(expected.length);
          source.fill(spec, out);
          assert.deepEqual(out, expected, `${spec.name} as ${dtype}`);
        }
    });

async function logitsOf(model: Model, source: WeightSource, ids: BigInt64Array): Promise<Float32Array> {
  const [cell] = plan({ models: [model], promptTokens: [ids.length], newTokens: 2, threads: 1 });
  return await withGenerator(cell!, source, async (generator) => {
    await generator.prefill(ids);
    return generator.logits!.slice();
  });
}

/** How far rounding the weights may move the tiny models' logits. */
const TOLERANCE: Record<Stored, number> = { F32: 1e-4, F16: 1e-2, BF16: 5e-2 };

suite("logits from a checkpoint are those of transformers", () => {
  for (const name of NAMES)
    for (const [stored, shards] of COPIES)
      test(`${name}, ${stored} in ${shards} files`, async () => {
        const path = copyOf(name, stored, shards);
        const model = readConfig(path);
        const expected = readTensors(join(fixture(name), "expected.safetensors"));
        const logits = await logitsOf(
          model,
          new CheckpointWeights(openCheckpoint(path), model),
          (expected.get("ids.64") as PlainTensor & { dtype: "I64" }).data,
        );
        const error = relativeError(
          logits,
          (expected.get("logits.64") as PlainTensor & { dtype: "F32" }).data,
        );
        assert.ok(error < TOLERANCE[stored], `error ${error}`);
        assert.ok(stored === "F32" || error > TOLERANCE.F32, "rounding shows: the copy was read");
      });
});

test("a tensor larger than a piece is read in several, each at its place", () => {
  // Of 2^22 bytes: two and a bit, of an odd length.
  const rows = 3_000_001;
  const data = Float32Array.from({ length: rows }, (_, i) => i);
  const to = join(folder, "large");
  mkdirSync(to);
  const path = join(to, "model.safetensors");
  const reports: number[] = [];
  const source = (stored: Stored): CheckpointWeights => {
    writeSafetensors(path, new Map([["w", written({ shape: [rows], data }, stored)]]));
    // One tensor is no model: what is found for it is put in place of what is looked for.
    const checkpoint = openCheckpoint(to);
    const tensors = specsOf(TINY, "float32").flatMap((spec) => (spec.role === "parameter" ? spec.parts : []));
    const other = new Map(
      tensors.map(({ name, shape }) => [name, { ...checkpoint.tensors.get("w")!, name, shape: [...shape] }]),
    );
    return new CheckpointWeights({ ...checkpoint, tensors: other }, TINY, (read, total) =>
      reports.push(read / total),
    );
  };
  const [name] = specsOf(TINY, "float32").flatMap((spec) => (spec.role === "parameter" ? spec.parts : []));
  const spec = (transform?: (stored: number, index: number) => number): WeightSpec => ({
    role: "parameter",
    name: "w",
    dtype: "float32",
    shape: [rows],
    parts: [{ ...name!, shape: [rows], ...(transform && { transform }) }],
  });
  const out = new Float32Array(rows);
  source("F32").fill(spec(), out);
  assert.deepEqual(out, data);
  source("F32").fill(
    spec((stored, index) => index - stored),
    out,
  );
  assert.ok(out.every((value) => value === 0));
  source("BF16").fill(spec(), out);
  assert.deepEqual(out.subarray(-3), toFloat(toBits(data.slice(-3), "bfloat16"), "BF16"));
  assert.ok(reports.length > 1);
  rmSync(to, { recursive: true });
});

const TINY = readConfig(fixture("qwen2"));
