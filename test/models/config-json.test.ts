import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { suite, test } from "node:test";
import { UserError } from "../../src/errors.js";
import { differenceOf, findModel, modelFromConfig, REGISTRY } from "../../src/models/index.js";
import { need } from "../support/need.js";

type Json = Record<string, unknown>;

const fixture = (name: string): string => new URL(`../fixtures/hf/${name}`, import.meta.url).pathname;
/** A fixture's config.json as transformers 5 wrote it. */
const saved = (name: string): Json =>
  JSON.parse(readFileSync(fixture(`${name}/config.json`), "utf8")) as Json;

const refuses = (json: unknown, message: RegExp): void => {
  assert.throws(
    () => modelFromConfig(json),
    (error) => {
      assert.ok(error instanceof UserError, String(error));
      assert.match(error.message, message);
      return true;
    },
  );
};

const FOLDERS = [
  ...["gpt_neo", "qwen2", "llama", "phi3", "mamba", "mamba2", "falcon_h1", "falcon_h1-norm"],
  ...["zamba2", "zamba2-blocks", "hymba"],
];

for (const folder of FOLDERS)
  test(`${folder}: parameters are as the oracle counted them`, () => {
    const oracle = JSON.parse(readFileSync(fixture(`${folder}/oracle.json`), "utf8")) as Json;
    assert.equal(modelFromConfig(saved(folder)).parameters, oracle.parameters);
  });

suite("what a config.json leaves out is what transformers fills in", () => {
  const text = readFileSync(fixture("config-defaults.json"), "utf8").replaceAll(
    "Infinity",
    '{"__float__":"Infinity"}',
  );
  for (const [type, { given, filled }] of Object.entries(
    JSON.parse(text) as Record<string, { given: Json; filled: Json }>,
  ))
    test(type, () => {
      assert.deepEqual(modelFromConfig(given).config, modelFromConfig(filled).config);
    });
});

const published = new URL("../../../shared/reference/models.json", import.meta.url);

test(
  "a registry entry is what its published config.json gives",
  need("../shared", existsSync(published), "it holds the published configurations"),
  () => {
    const entries = JSON.parse(readFileSync(published, "utf8")) as { id: string; config: Json }[];
    for (const model of REGISTRY.filter(({ provisional }) => !provisional)) {
      const { config } = entries.find(({ id }) => id === model.name)!;
      // models.json has GPT-Neo's under the common names, and no key for a head that is always tied.
      const json = {
        tie_word_embeddings: true,
        ...model.config,
        ...Object.fromEntries(Object.entries(config).filter(([key]) => key in model.config)),
        ...(model.arch === "gpt_neo" && { intermediate_size: null }),
        model_type: model.arch,
      };
      assert.equal(differenceOf(modelFromConfig(json, model.name), model), null, model.name);
      assert.equal(modelFromConfig(json).parameters, model.parameters, model.name);
    }
  },
);

test("both spellings of the rotation give the same model", () => {
  for (const folder of ["qwen2", "llama", "phi3", "falcon_h1", "zamba2"]) {
    const { rope_parameters, ...rest } = saved(folder) as { rope_parameters: Json } & Json;
    const { rope_theta, rope_type, partial_rotary_factor, ...scaling } = rope_parameters;
    const older = {
      ...rest,
      rope_theta,
      rope_scaling: rope_type === "default" ? null : { type: rope_type, ...scaling },
    };
    assert.deepEqual(modelFromConfig(older).config, modelFromConfig(saved(folder)).config, folder);
  }
});

test("zamba2: the hybrid layers follow from their kinds, or are listed; no rotary, no base", () => {
  const { hybrid_layer_ids: listed, layers_block_type: types, ...rest } = saved("zamba2");
  const older = (types as string[]).map((type) => (type === "hybrid" ? type : "mamba"));
  const { config } = modelFromConfig(saved("zamba2"));
  for (const layout of [
    { hybrid_layer_ids: listed },
    { layers_block_type: types },
    { layers_block_type: older },
  ])
    assert.deepEqual(modelFromConfig({ ...rest, ...layout }).config, config);
  const { rope_theta } = modelFromConfig(saved("zamba2-blocks")).config as unknown as Json;
  assert.equal(rope_theta, null);
});

test("hymba: what chooses among the ways of the published code may be left out", () => {
  const { tie_word_embeddings, ...rest } = saved("hymba");
  const { config } = modelFromConfig(saved("hymba"));
  const needed = Object.entries(rest).filter(([key]) => key in config || key === "model_type");
  assert.deepEqual(modelFromConfig({ ...Object.fromEntries(needed), tie_word_embeddings }).config, config);
  assert.deepEqual(modelFromConfig({ ...saved("hymba"), kq_head_dim: 16 }).config, config);
});

test("long-rope: the factor follows from the positions, its attention factor from that, `su` is its first name", () => {
  const { rope_parameters, ...rest } = saved("phi3") as { rope_parameters: Json } & Json;
  const { factor, rope_type, original_max_position_embeddings, ...lists } = rope_parameters;
  const first = modelFromConfig({ ...rest, rope_theta: 1e4, rope_scaling: { type: "su", ...lists } });
  assert.deepEqual(first.config, modelFromConfig(saved("phi3")).config);
  // Phi-3-mini-128k: 131072 of 4096 positions, and a window that is longer than both.
  const { config } = findModel("phi-3-mini-128k") as unknown as { config: { rope_scaling: Json } & Json };
  const { short_factor, long_factor } = config.rope_scaling;
  const json = {
    ...config,
    model_type: "phi3",
    sliding_window: 262144,
    original_max_position_embeddings: 4096,
    rope_scaling: { type: "longrope", short_factor, long_factor },
  };
  assert.equal(differenceOf(modelFromConfig(json), findModel("phi-3-mini-128k")), null);
});

test("names: as given, after the repository, after the architecture; a path of one's own stays out of the rows", () => {
  const named = (path: unknown, name?: string): string[] => {
    const model = modelFromConfig({ ...saved("qwen2"), _name_or_path: path }, name);
    return [model.name, model.hfId];
  };
  assert.deepEqual(named("Qwen/Qwen2.5-0.5B"), ["qwen2.5-0.5b", "Qwen/Qwen2.5-0.5B"]);
  assert.deepEqual(named("/home/me/My Model_1/"), ["my-model-1", ""]);
  assert.deepEqual(named("/home/me/x", "Mine"), ["mine", ""]);
  assert.deepEqual(named(undefined), ["qwen2", ""]);
  assert.deepEqual(named("../.."), ["qwen2", ""]);
});

test("state-spaces' own configs are the registry's models", () => {
  const own = { rms_norm: true, residual_in_fp32: true, fused_add_norm: true, vocab_size: 50277 };
  const mamba = { ...own, d_model: 768, n_layer: 24, ssm_cfg: {}, pad_vocab_size_multiple: 8 };
  const mamba2 = { ...mamba, ssm_cfg: { layer: "Mamba2" }, pad_vocab_size_multiple: 16, attn_layer_idx: [] };
  assert.equal(differenceOf(modelFromConfig(mamba), findModel("mamba-130m")), null);
  assert.equal(differenceOf(modelFromConfig(mamba2), findModel("mamba2-130m")), null);
  refuses({ ...mamba, attn_layer_idx: [3] }, /^attn_layer_idx is \[3\]; only \[\] is supported/);
  refuses(
    { ...mamba, ssm_cfg: { layer: "Mamba3" } },
    /^ssm_cfg.layer is "Mamba3"; only "Mamba1" or "Mamba2"/,
  );
  refuses(
    { ...mamba2, ssm_cfg: { layer: "Mamba2", norm_before_gate: true } },
    /^ssm_cfg.norm_before_gate is true/,
  );
  refuses({ ...mamba, n_layer: 0.5 }, /^n_layer is 0.5; it must be a whole number of layers from 1/);
});

const REFUSED: [string, Json, RegExp][] = [
  ["qwen2", { model_type: "gpt2" }, /^model_type is "gpt2"; it must be one of gpt_neo, qwen2, llama/],
  ["qwen2", { model_type: null }, /^model_type is null; it must be a string/],
  ["qwen2", { hidden_size: "64" }, /^hidden_size is "64"; it must be a whole number of channels from 1 to/],
  ["qwen2", { hidden_size: 1e12 }, /^hidden_size is 1000000000000;/],
  [
    "qwen2",
    { num_hidden_layers: 1e6 },
    /^num_hidden_layers is 1000000; it must be a whole number of layers from 1 to 1024/,
  ],
  ["qwen2", { vocab_size: undefined }, /^vocab_size is missing; /],
  ["qwen2", { hidden_act: "gelu" }, /^hidden_act is "gelu"; only "silu" is supported/],
  ["qwen2", { num_attention_heads: 3 }, /^num_attention_heads is 3; it must divide hidden_size, 64/],
  ["qwen2", { num_key_value_heads: 3 }, /^num_key_value_heads is 3; it must divide num_attention_heads, 4/],
  ["qwen2", { head_dim: 24 }, /^head_dim is 24; heads of 24 components are not supported/],
  ["qwen2", { rms_norm_eps: 0 }, /^rms_norm_eps is 0; it must be a number above 0/],
  ["qwen2", { tie_word_embeddings: "yes" }, /^tie_word_embeddings is "yes"; it must be true or false/],
  [
    "qwen2",
    { use_sliding_window: true, sliding_window: 64, max_window_layers: 1, layer_types: undefined },
    /^sliding_window is 64; attention to all 256 positions/,
  ],
  [
    "qwen2",
    { use_sliding_window: true, sliding_window: 64, layer_types: ["full_attention", "sliding_attention"] },
    /^sliding_window is 64/,
  ],
  ["phi3", { sliding_window: 100 }, /^sliding_window is 100; attention to all 384/],
  ["qwen2", { rope_parameters: [] }, /^rope_parameters is \[\]; it must be a JSON object/],
  [
    "qwen2",
    { rope_scaling: { type: "yarn" } },
    /^rope_scaling.type is "yarn"; only default and llama3 and longrope/,
  ],
  [
    "falcon_h1",
    { rope_scaling: { rope_type: "llama3" } },
    /^rope_scaling.rope_type is "llama3"; only default is/,
  ],
  ["llama", { rope_scaling: { rope_type: "llama3" } }, /^rope_scaling.low_freq_factor is missing/],
  ["llama", { partial_rotary_factor: 0.5 }, /^partial_rotary_factor is 0.5; only 1 is supported/],
  [
    "phi3",
    { rope_scaling: { rope_type: "longrope", short_factor: [1] } },
    /^rope_scaling.short_factor is \[1\]; it must be a list of 8 numbers/,
  ],
  ["llama", { attention_bias: true }, /^attention_bias is true; only false is supported/],
  ["llama", { mlp_bias: true }, /^mlp_bias is true/],
  [
    "llama",
    { quantization_config: { quant_method: "gptq" } },
    /^quantization_config is {"quant_method":"gptq"}; a quantized checkpoint/,
  ],
  ["gpt_neo", { activation_function: "relu" }, /^activation_function is "relu"/],
  ["gpt_neo", { tie_word_embeddings: false }, /^tie_word_embeddings is false; only true is supported/],
  [
    "gpt_neo",
    { attention_types: [[["global"], 3]] },
    /^attention_types is .*; it must make each of the 4 layers/,
  ],
  ["gpt_neo", { attention_types: [[["global"], 1e15]] }, /^attention_types is /],
  ["gpt_neo", { attention_types: 1 }, /^attention_types is 1/],
  ["mamba", { use_bias: true }, /^use_bias is true; only false is supported/],
  ["mamba", { use_conv_bias: false }, /^use_conv_bias is false/],
  ["mamba", { intermediate_size: 100 }, /^intermediate_size is 100; it must be expand times hidden_size/],
  ["mamba2", { tie_word_embeddings: false }, /^tie_word_embeddings is false/],
  [
    "mamba2",
    { num_heads: 15 },
    /^num_heads is 15; times head_dim, 8, it must be expand times hidden_size, 128/,
  ],
  ["mamba2", { n_groups: 3 }, /^n_groups is 3; it must divide num_heads, 16/],
  ["mamba2", { time_step_limit: [0, 0.1] }, /^time_step_limit is \[0,0.1\]; only \[0, Infinity\]/],
  ["mamba2", { time_step_limit: [1e-3, Infinity] }, /^time_step_limit is /],
  ...["attention_bias", "mlp_bias", "projectors_bias", "mamba_proj_bias"].map(
    (key): [string, Json, RegExp] => [
      "falcon_h1",
      { [key]: true },
      new RegExp(`^${key} is true; only false`),
    ],
  ),
  ["falcon_h1", { mamba_conv_bias: false }, /^mamba_conv_bias is false/],
  [
    "falcon_h1",
    { mamba_n_heads: 7 },
    /^mamba_n_heads is 7; times mamba_d_head, 8, it must be mamba_d_ssm, 72/,
  ],
  [
    "falcon_h1",
    { ssm_multipliers: [1, 2] },
    /^ssm_multipliers is \[1,2\]; it must be a list of 5 numbers, of z, x/,
  ],
  ["falcon_h1", { embedding_multiplier: 0 }, /^embedding_multiplier is 0/],
  ["zamba2", { hidden_act: "gelu_pytorch_tanh" }, /^hidden_act is "gelu_pytorch_tanh"; only "gelu" is/],
  ["zamba2", { add_bias_linear: true }, /^add_bias_linear is true; only false/],
  ["zamba2", { use_long_context: true }, /^use_long_context is true; only false/],
  ["zamba2", { use_conv_bias: false }, /^use_conv_bias is false; only true/],
  ["zamba2", { tie_word_embeddings: false }, /^tie_word_embeddings is false; only true/],
  ["zamba2", { time_step_limit: [0.001, Infinity] }, /^time_step_limit is /],
  [
    "zamba2",
    { rope_scaling: { type: "linear", factor: 2 } },
    /^rope_scaling.type is "linear"; only default is/,
  ],
  ["zamba2", { num_attention_heads: 3 }, /^num_attention_heads is 3; it must divide twice hidden_size, 128/],
  ["zamba2", { num_attention_heads: 16 }, /^num_attention_heads is 16; heads of 8 components are not/],
  ["zamba2", { num_key_value_heads: 2 }, /^num_key_value_heads is 2; only 4 is supported/],
  ["zamba2", { attention_head_dim: 16 }, /^attention_head_dim is 16; only 32 is supported/],
  ["zamba2", { n_mamba_heads: 7 }, /^n_mamba_heads is 7; it must divide mamba_expand times hidden_size, 128/],
  ["zamba2", { mamba_headdim: 8 }, /^mamba_headdim is 8; only 16 is supported/],
  ["zamba2", { mamba_ngroups: 3 }, /^mamba_ngroups is 3; it must divide n_mamba_heads, 8/],
  ["zamba2", { hybrid_layer_ids: [1] }, /^hybrid_layer_ids is \[1\]; only \[1,3\] is supported/],
  ...[[], [1, 1], [3, 1], [5], [-1], [0.5], "1", [null]].map((ids): [string, Json, RegExp] => [
    "zamba2",
    { hybrid_layer_ids: ids, layers_block_type: null },
    /^hybrid_layer_ids is .*; it must list some layers, of 0 to 4, in order/,
  ]),
  ["zamba2", { hybrid_layer_ids: null, layers_block_type: null }, /^layers_block_type is null; it must make/],
  ...[["hybrid"], Array(5).fill("mamba"), [...Array<string>(4).fill("hybrid"), "attention"], 5].map(
    (types): [string, Json, RegExp] => [
      "zamba2",
      { hybrid_layer_ids: null, layers_block_type: types },
      /^layers_block_type is .*; it must make each of the 5 layers \(num_hidden_layers\) "mamba" or "hybrid"/,
    ],
  ),
  ...Object.entries({
    hidden_act: "relu",
    mlp_hidden_act: "gelu",
    attn_hidden_size: 32,
    kq_head_dim: 32,
    kq_norm: "rms",
    rope: false,
    rope_type: "dynamic_ntk",
    attn_implementation: "flash_attention_2",
    attn_implementation_new: "sdpa",
    mamba_inner_layernorms: false,
    mamba_conv_bias: false,
    mamba_proj_bias: true,
    num_mamba: 2,
    num_experts: 4,
    memory_tokens_interspersed_every: 512,
    kv_weight_reuse: true,
    kv_reuse_every_i_layer: 2,
    layer_type: ["h", "h", "m", "h", "h"],
    tie_word_embeddings: false,
  }).map(([key, value]): [string, Json, RegExp] => [
    "hymba",
    { [key]: value },
    new RegExp(`^${key} is .*; only .* is supported`),
  ]),
  ["hymba", { tie_word_embeddings: undefined }, /^tie_word_embeddings is missing; only true/],
  ["hymba", { mamba_d_state: undefined }, /^mamba_d_state is missing/],
  ["hymba", { sliding_window: null }, /^sliding_window is null; it must be a whole number of positions/],
  ["hymba", { num_memory_tokens: 0 }, /^num_memory_tokens is 0/],
  ["hymba", { mamba_expand: 1.5 }, /^mamba_expand is 1.5; it must be a whole number/],
  [
    "hymba",
    { v_head_dim: 16 },
    /^v_head_dim is 16; times num_attention_heads, 4, it must be mamba_expand times hidden_size, 128/,
  ],
  [
    "hymba",
    { orig_max_position_embeddings: 512 },
    /^orig_max_position_embeddings is 512; it must be at most/,
  ],
  ["hymba", { global_attn_idx: [0, 5] }, /^global_attn_idx is \[0,5\]; it must list layers, of 0 to 4/],
  ...[
    null,
    [[]],
    [[3, 1]],
    [
      [1, 2],
      [2, 3],
    ],
    [1],
    [[1, 5]],
  ].map((groups): [string, Json, RegExp] => [
    "hymba",
    { kv_reuse_group: groups },
    /^kv_reuse_group is .*; it must list groups of layers, of 0 to 4, in order, no layer in two/,
  ]),
  ["hymba", { kv_reuse_group: [[3, 4]] }, /^kv_reuse_group has \[3, 4\]; keys and values can be shared by/],
];

for (const [folder, change, message] of REFUSED)
  test(`${folder} with ${JSON.stringify(change)} is refused in one sentence`, () => {
    refuses({ ...saved(folder), ...change }, message);
  });

test("what is no object is no config", () => {
  for (const json of [null, [], "x", 1, undefined])
    refuses(json, /^the config is .*; it must be a JSON object/);
  refuses({}, /^model_type is missing/);
});
