import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, test } from "node:test";
import { assertSameConfig, matchTensors, openCheckpoint, readConfig } from "../../src/checkpoint/index.js";
import { UserError } from "../../src/errors.js";
import { findModel, modelFromConfig } from "../../src/models/index.js";
import { fixture } from "../support/checkpoint.js";
import { writeSafetensors, type Written } from "../support/safetensors.js";
import { temporaryFolder } from "../support/temporary.js";

const root = temporaryFolder();
const folder = join(root, "tiny");
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
});

const refuses = (act: () => unknown, message: RegExp): void => {
  assert.throws(act, (error) => {
    assert.ok(error instanceof UserError, String(error));
    assert.match(error.message, message);
    return true;
  });
};

const SINGLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const scalar = (value: number): Written => ({
  dtype: "F32",
  shape: [],
  bytes: new Uint8Array(Float32Array.of(value).buffer),
});
const put = (file: string, ...names: string[]): void => {
  writeSafetensors(join(folder, file), new Map(names.map((name) => [name, scalar(1)])));
};
const index = (map: unknown): void => {
  writeFileSync(join(folder, INDEX), JSON.stringify({ weight_map: map }));
};

test("a folder without safetensors says what it lacks, and why a pickle is not read", () => {
  refuses(() => openCheckpoint(join(root, "nowhere")), /nowhere is not a folder/);
  refuses(() => openCheckpoint(folder), /has neither model.safetensors nor model.safetensors.index.json/);
  writeFileSync(join(folder, "pytorch_model.bin"), "");
  refuses(() => openCheckpoint(folder), /pytorch_model.bin, which only running its code could read; convert/);
});

test("shards are one checkpoint; the single file comes first, as in transformers", () => {
  put("a.safetensors", "x", "y");
  put("b.safetensors", "z");
  index({ x: "a.safetensors", y: "a.safetensors", z: "b.safetensors" });
  const shards = openCheckpoint(folder);
  assert.deepEqual([...shards.tensors.keys()], ["x", "y", "z"]);
  assert.equal(shards.tensors.get("z")!.path, join(folder, "b.safetensors"));
  put(SINGLE, "only");
  assert.deepEqual([...openCheckpoint(folder).tensors.keys()], ["only"]);
});

test("an index that leaves the folder, or does not say what is there, is refused", () => {
  put("a.safetensors", "x");
  for (const path of ["../a.safetensors", "/etc/passwd", "..\\a.safetensors", "a.bin", "", 1, null])
    refuses(() => {
      index({ x: path });
      openCheckpoint(folder);
    }, /says that x is in .*; it must be a .safetensors file in the same folder/);
  index({ x: "a.safetensors", y: "a.safetensors" });
  refuses(() => openCheckpoint(folder), /says that y is in a.safetensors, which lacks it/);
  index({ x: "a.safetensors", y: "b.safetensors" });
  refuses(() => openCheckpoint(folder), /names b.safetensors, which the folder lacks/);
  put("b.safetensors", "x", "y");
  refuses(() => openCheckpoint(folder), /tensor x is in both .*a.safetensors and .*b.safetensors/);
  index([]);
  refuses(() => openCheckpoint(folder), /has no weight_map/);
  writeFileSync(join(folder, INDEX), '{"weight_map": {"x": "a.safetensors", "x": "b.safetensors"}}');
  refuses(() => openCheckpoint(folder), /has the key "x" twice/);
});

test("the hash tells files apart whose headers are equal", () => {
  put(SINGLE, "x", "y");
  const { hash, name } = openCheckpoint(folder);
  assert.equal(name, "tiny");
  assert.equal(openCheckpoint(folder).hash, hash);
  writeSafetensors(
    join(folder, SINGLE),
    new Map([
      ["x", scalar(1)],
      ["y", scalar(2)],
    ]),
  );
  assert.notEqual(openCheckpoint(folder).hash, hash);
  truncateSync(join(folder, SINGLE), 20);
  refuses(() => openCheckpoint(folder), /states a header of/);
});

/** A checkpoint of a fixture's model whose tensors were changed by name. */
function changed(name: string, change: (tensors: Map<string, number[]>) => void, dtype = "F32") {
  const model = readConfig(fixture(name));
  const { tensors } = openCheckpoint(fixture(name));
  const shapes = new Map([...tensors].map(([key, { shape }]) => [key, [...shape]]));
  change(shapes);
  const bytes = (shape: number[]): number => shape.reduce((a, b) => a * b, dtype === "F32" ? 4 : 8);
  writeSafetensors(
    join(folder, SINGLE),
    new Map([...shapes].map(([key, shape]) => [key, { dtype, shape, bytes: new Uint8Array(bytes(shape)) }])),
  );
  return () => matchTensors(openCheckpoint(folder), model);
}

const rename = (tensors: Map<string, number[]>, to: (name: string) => string): void => {
  const all = [...tensors];
  tensors.clear();
  for (const [name, shape] of all) tensors.set(to(name), shape);
};

test("missing, unknown and wrongly shaped tensors are all named, a few spelled out", () => {
  refuses(
    changed("qwen2", (tensors) => {
      for (const layer of [0, 1, 2]) {
        tensors.delete(`model.layers.${layer}.self_attn.q_proj.bias`);
        tensors.delete(`model.layers.${layer}.self_attn.k_proj.bias`);
      }
      tensors.set("model.layers.0.adapter.weight", [2]);
      tensors.set("model.norm.weight", [32]);
    }),
    /does not fit qwen2: 6 tensors are missing \(model.layers.0.self_attn.q_proj.bias, [^,]*, [^,]*, and 3 more\); 1 tensor is not of this model \(model.layers.0.adapter.weight\); 1 tensor is of another shape \(model.norm.weight is \[32\] instead of \[64\]\)$/,
  );
  refuses(
    changed("qwen2", () => undefined, "I64"),
    /\d+ tensors are of a type other than F32, F16, BF16 \(.* is I64/,
  );
});

test("a head that is the embedding may be stored too, one of its own must be", () => {
  assert.doesNotThrow(changed("qwen2", (tensors) => tensors.set("lm_head.weight", [160, 64])));
  refuses(
    changed("phi3", (tensors) => tensors.delete("lm_head.weight")),
    /1 tensor is missing \(lm_head.weight\)/,
  );
});

/** Layers of zamba2-blocks that use the block of layer 1, and the tensors of one use by their names within it. */
const BLOCK = /^model\.layers\.1\.(shared_transformer\..*)$/;

test("a shared block may be stored at one of its uses or at each; which of them is read, and what contradicts it", () => {
  const fits = (change: (tensors: Map<string, number[]>) => void) => changed("zamba2-blocks", change)();
  const own = "model.layers.1.shared_transformer.pre_ff_layernorm.weight";
  const other = own.replace(".1.", ".4.");
  const alike = (tensors: Map<string, number[]>): void => {
    for (const [name, shape] of [...tensors]) tensors.set(name.replace(BLOCK, "model.layers.4.$1"), shape);
  };
  const names = [...fits(() => undefined).keys()].sort();
  assert.ok(names.includes(own) && !names.includes(other));
  const all = fits(alike);
  assert.deepEqual([...all.keys()].sort(), names);
  assert.equal(all.get(own)!.name, own);
  const elsewhere = fits((tensors) => {
    rename(tensors, (name) => name.replace(BLOCK, "layers.4.$1"));
  });
  assert.deepEqual([...elsewhere.keys()].sort(), names);
  assert.equal(elsewhere.get(own)!.name, other.replace("model.", ""));
  refuses(
    changed("zamba2-blocks", (tensors) => {
      alike(tensors);
      tensors.set(other, [40]);
    }),
    /: 1 tensor is of another shape \(model\.layers\.4\.\S*pre_ff_layernorm.weight is \[40\] instead of \[80\]\)$/,
  );
  refuses(
    changed("zamba2-blocks", (tensors) => tensors.delete(own)),
    /: 1 tensor is missing \(model\.layers\.1\.\S*pre_ff_layernorm.weight\)$/,
  );
  // The block of layer 2 is another one.
  refuses(
    changed("zamba2-blocks", (tensors) => {
      rename(tensors, (name) => (name === own ? own.replace(".1.", ".0.") : name));
    }),
    /: 1 tensor is missing .*; 1 tensor is not of this model \(model\.layers\.0\./,
  );
});

test("names without the base model's prefix and old buffers are taken as transformers takes them, and no others", () => {
  const bare = (prefix: string) => (tensors: Map<string, number[]>) => {
    rename(tensors, (name) => name.replace(prefix, ""));
  };
  assert.doesNotThrow(changed("qwen2", bare("model.")));
  assert.doesNotThrow(changed("zamba2", bare("model.")));
  assert.doesNotThrow(changed("hymba", bare("model.")));
  assert.doesNotThrow(changed("gpt_neo", bare("transformer.")));
  assert.doesNotThrow(changed("mamba", bare("backbone.")));
  assert.doesNotThrow(
    changed("mamba", (tensors) => {
      rename(tensors, (name) => name.replace("embeddings.", "embedding."));
    }),
  );
  assert.doesNotThrow(
    changed("gpt_neo", (tensors) => {
      tensors.set("transformer.h.0.attn.attention.bias", [1, 1, 256, 256]);
      tensors.set("transformer.h.0.attn.attention.masked_bias", []);
    }),
  );
  assert.doesNotThrow(
    changed("llama", (tensors) => {
      tensors.set("model.layers.0.self_attn.rotary_emb.inv_freq", [16]);
    }),
  );
  assert.doesNotThrow(
    changed("zamba2", (tensors) => {
      tensors.set("model.layers.1.shared_transformer.self_attn.rotary_emb.inv_freq", [16]);
      tensors.set("model.rotary_emb.inv_freq", [16]);
      tensors.set("lm_head.weight", [160, 64]);
    }),
  );
  assert.doesNotThrow(
    changed("hymba", (tensors) => {
      tensors.set("model.layers.0.mamba.rotary_emb.inv_freq", [8]);
      tensors.set("lm_head.weight", [160, 64]);
    }),
  );
  refuses(
    changed("mamba", (tensors) => {
      rename(tensors, (name) => name.replace("backbone.", "model."));
    }),
    /\d+ tensors are missing .* tensors are not of this model/,
  );
  refuses(
    changed("qwen2", (tensors) => {
      tensors.set("norm.weight", [64]);
    }),
    /1 tensor is not of this model \(norm.weight \(beside model.norm.weight\)\)/,
  );
});

test("a config.json names its model after its folder; another is refused by its first key", () => {
  const qwen = readConfig(fixture("qwen2"));
  assert.equal(qwen.name, "qwen2");
  assert.equal(readConfig(join(fixture("qwen2"), "config.json")).name, "qwen2");
  assert.doesNotThrow(() => {
    assertSameConfig(fixture("qwen2"), qwen);
  });
  refuses(() => {
    assertSameConfig(fixture("qwen2"), findModel("qwen2.5-0.5b"));
  }, /config.json is not of qwen2.5-0.5b: vocab_size is 160, not 151936/);
  refuses(() => {
    assertSameConfig(fixture("mamba"), findModel("mamba2-130m"));
  }, /model_type is "mamba", not "mamba2"/);
  refuses(() => readConfig(folder), /tiny has no config.json/);
  refuses(() => readConfig(join(folder, "x.json")), /x.json: there is no such file or folder/);
  writeFileSync(join(folder, "config.json"), "{");
  refuses(() => readConfig(folder), /config.json is not JSON/);
  writeFileSync(join(folder, "config.json"), '{"model_type": "llama", "model_type": "qwen2"}');
  refuses(() => readConfig(folder), /has the key "model_type" twice/);
});

test("Infinity as Python writes it is read", () => {
  const text = readFileSync(join(fixture("mamba2"), "config.json"), "utf8");
  const older = text
    .replace(/\{\s*"__float__": "Infinity"\s*\}/, "Infinity")
    .replace('"silu"', '"silu", "x": "Infinity"');
  assert.throws(() => JSON.parse(older) as unknown);
  writeFileSync(join(folder, "config.json"), older);
  assert.deepEqual(readConfig(folder).config, modelFromConfig(JSON.parse(text)).config);
  writeFileSync(join(folder, "config.json"), older.replace(/0.0,\s*Infinity/, "0.1, Infinity"));
  refuses(() => readConfig(folder), /time_step_limit is \[0.1,.*only \[0, Infinity\]/);
});
