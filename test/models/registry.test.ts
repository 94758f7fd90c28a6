import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { UserError } from "../../src/errors.js";
import {
  buildModel,
  closest,
  countParameters,
  findModel,
  lowerings,
  REGISTRY,
  type Lowering,
} from "../../src/models/index.js";
import { need } from "../support/need.js";

const build = (model: (typeof REGISTRY)[number], lowering: Lowering = "linear-attention") =>
  buildModel(model, {
    dtype: "float32",
    lowering,
    logits: "last",
    positions: 64,
    tokensMultipleOf: 1,
    separateProducts: false,
  });

for (const model of REGISTRY)
  test(`${model.name} has exactly the published ${model.parameters} parameters`, () => {
    for (const lowering of lowerings(model).length > 0 ? lowerings(model) : (["linear-attention"] as const))
      assert.equal(countParameters(build(model, lowering).weights), model.parameters, lowering);
  });

test("an unknown name gives the nearest ones", () => {
  assert.throws(
    () => findModel("mamba-130"),
    (error: unknown) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /no model "mamba-130"; did you mean mamba-130m or mamba2-130m\?/);
      return true;
    },
  );
  assert.deepEqual(closest("QWEN", ["mamba-130m", "qwen2.5-0.5b"], 1), ["qwen2.5-0.5b"]);
});

test("rotary positions need their base", () => {
  const model = findModel("zamba2-1.2b");
  assert.ok(model.arch === "zamba2");
  const config = { ...model.config, rope_theta: null };
  assert.throws(
    () => build({ ...model, config }),
    (error: unknown) => error instanceof UserError && /rope_theta is null; .* a number/.test(error.message),
  );
});

test("Hymba refuses layers that cannot share keys and values", () => {
  const hymba = findModel("hymba-1.5b");
  assert.ok(hymba.arch === "hymba");
  for (const group of [
    [0, 1],
    [2, 1],
  ])
    assert.throws(
      () => build({ ...hymba, config: { ...hymba.config, kv_reuse_group: [group] } }),
      (error: unknown) => error instanceof UserError && error.message.includes(`[${group.join(", ")}]`),
    );
});

interface Published {
  id: string;
  unconfirmed: Record<string, { candidate: unknown }>;
  hf_id: string;
  variants: { hf_id: string; differs: string }[];
  config: Record<string, unknown>;
  params: { published_exact: number | null; computed: number };
  tensors: {
    global: Record<string, number[]>;
    layer_groups: { prefix: string; layers: number[]; tensors: Record<string, number[]> }[];
    shared_blocks?: {
      prefix_first_use: string;
      used_by_layers: number[];
      tensors: Record<string, number[]>;
    }[];
  };
}

/** rope_scaling whose kind is still called `type`. */
function newerNames(scaling: unknown): unknown {
  if (typeof scaling !== "object" || scaling === null || !("type" in scaling)) return scaling;
  const { type, ...rest } = scaling;
  return { rope_type: type, ...rest };
}

const published = new URL("../../../shared/reference/models.json", import.meta.url);

test(
  "every tensor has the published name and shape",
  need("../shared", existsSync(published), "it holds the published configurations"),
  () => {
    const entries = JSON.parse(readFileSync(published, "utf8")) as Published[];
    for (const model of REGISTRY) {
      const entry = entries.find(({ id }) => id === model.name);
      assert.ok(entry, model.name);
      const ids = [entry, ...entry.variants].map(({ hf_id }) => hf_id);
      assert.ok(ids.includes(model.hfId), `${model.hfId} is none of ${ids.join()}`);
      const expected = new Map(Object.entries(entry.tensors.global));
      for (const { prefix, layers, tensors } of entry.tensors.layer_groups)
        for (const layer of layers)
          for (const [name, shape] of Object.entries(tensors))
            expected.set(prefix.replace("{i}", String(layer)) + name, shape);
      const aliases = new Map<string, string[]>();
      for (const { prefix_first_use: prefix, used_by_layers, tensors } of entry.tensors.shared_blocks ?? []) {
        const [first, ...others] = used_by_layers;
        for (const [name, shape] of Object.entries(tensors)) {
          expected.set(prefix + name, shape);
          const under = (layer: number): string => prefix.replace(`.${first}.`, `.${layer}.`) + name;
          aliases.set(prefix + name, others.map(under));
        }
      }
      const parts = build(model, lowerings(model)[0] ?? "linear-attention").weights.flatMap((weight) =>
        weight.role === "parameter" ? weight.parts : [],
      );
      assert.deepEqual(
        new Map(parts.map(({ name, shape }) => [name, [...shape]] as const).sort()),
        new Map([...expected].sort()),
      );
      for (const { name, aliases: others } of parts)
        assert.deepEqual(others ?? [], aliases.get(name) ?? [], `${name} elsewhere`);
      assert.equal(entry.params.published_exact ?? entry.params.computed, model.parameters);
      for (const [key, value] of Object.entries(model.config) as [string, unknown][]) {
        // The repository that a row names may confirm what the entry's own does not tell.
        const variant: { differs: string } | undefined = entry.variants.find(
          (of) => of.hf_id === model.hfId && of.differs.startsWith(key),
        );
        const marked = model.provisional?.includes(key) ?? false;
        assert.equal(marked, !variant && key in entry.unconfirmed, `${model.name} ${key} is marked`);
        const theirs: unknown = marked ? entry.unconfirmed[key]?.candidate : entry.config[key];
        // models.json writes num_layers, num_heads and intermediate_size of GPT-Neo under the common names.
        if (theirs === undefined || key === "intermediate_size") continue;
        if (variant) assert.equal(variant.differs, `${key} ${String(value)}`, model.name);
        else
          assert.deepEqual(
            value,
            key === "rope_scaling" ? newerNames(theirs) : theirs,
            `${model.name} ${key}`,
          );
      }
    }
  },
);

test("shapes that our own operators do not take have stock lowerings only", () => {
  const mamba2 = findModel("mamba2-130m");
  assert.ok(mamba2.arch === "mamba2");
  assert.ok(lowerings(mamba2).includes("fused"));
  for (const change of [{ conv_kernel: 5 }, { state_size: 512 }])
    assert.deepEqual(lowerings({ ...mamba2, config: { ...mamba2.config, ...change } }), [
      "ssd-matmul",
      "linear-attention",
    ]);
});
