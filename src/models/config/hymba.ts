import type { HymbaConfig } from "../hymba.js";
import { readHeads } from "./gated-decoder.js";
import { isLayers, type Keys } from "./keys.js";
import { MOST_POSITIONS } from "./rope.js";

/** What the published config.json of nvidia/Hymba-1.5B-Base chooses among the ways of its code; a file may leave it out. */
const PUBLISHED = {
  hidden_act: "silu",
  mlp_hidden_act: "silu",
  attn_hidden_size: -1,
  kq_norm: "none",
  rope: true,
  rope_type: "ntk",
  // The others have masks of their own.
  attn_implementation: "flex",
  attn_implementation_new: "flex",
  mamba_inner_layernorms: true,
  mamba_conv_bias: true,
  mamba_proj_bias: false,
  num_mamba: 1,
  num_experts: 1,
  memory_tokens_interspersed_every: 0,
  kv_weight_reuse: false,
  kv_reuse_every_i_layer: -1,
} as const;

/** Nothing that is a number or a list has a default: the architecture has no class in transformers. */
export function readHymba(keys: Keys): HymbaConfig {
  for (const [key, value] of Object.entries(PUBLISHED)) keys.only(key, value, [value]);
  keys.only("tie_word_embeddings", undefined, [true]);
  const layers = keys.layers("num_hidden_layers");
  const parallel = Array.from({ length: layers }, () => "h");
  keys.only("layer_type", parallel, [parallel]);
  const attention = {
    hidden_size: keys.count("hidden_size", "channels"),
    num_attention_heads: keys.count("num_attention_heads", "heads"),
    num_key_value_heads: keys.count("num_key_value_heads", "heads"),
  };
  const headDim = readHeads(keys, attention);
  keys.only("kq_head_dim", -1, [-1, headDim]);
  return {
    vocab_size: keys.count("vocab_size", "tokens"),
    ...attention,
    num_hidden_layers: layers,
    ...readWidths(keys, attention),
    intermediate_size: keys.count("intermediate_size", "channels"),
    ...readPositions(keys),
    rms_norm_eps: keys.positive("rms_norm_eps"),
    mamba_d_state: keys.count("mamba_d_state", "channels"),
    mamba_d_conv: keys.count("mamba_d_conv", "tokens"),
    mamba_dt_rank: keys.count("mamba_dt_rank", "channels"),
    num_memory_tokens: keys.count("num_memory_tokens", "tokens"),
    sliding_window: keys.count("sliding_window", "positions", undefined, MOST_POSITIONS),
    global_attn_idx: readGlobal(keys, layers),
    kv_reuse_group: readGroups(keys, layers),
  };
}

function readWidths(
  keys: Keys,
  {
    hidden_size: width,
    num_attention_heads: heads,
  }: Pick<HymbaConfig, "hidden_size" | "num_attention_heads">,
): Pick<HymbaConfig, "mamba_expand" | "v_head_dim"> {
  // Values are read in slices as wide as a key.
  const mamba_expand = keys.count("mamba_expand", "hidden widths");
  const v_head_dim = keys.count("v_head_dim", "channels");
  const inner = mamba_expand * width;
  if (heads * v_head_dim !== inner)
    throw keys.wrong(
      "v_head_dim",
      `times num_attention_heads, ${heads}, it must be mamba_expand times hidden_size, ${inner}`,
    );
  return { mamba_expand, v_head_dim };
}

function readPositions(
  keys: Keys,
): Pick<HymbaConfig, "max_position_embeddings" | "orig_max_position_embeddings" | "rope_theta"> {
  const positions = keys.count("max_position_embeddings", "positions", undefined, MOST_POSITIONS);
  const original = keys.count("orig_max_position_embeddings", "positions", undefined, MOST_POSITIONS);
  if (original > positions)
    throw keys.wrong(
      "orig_max_position_embeddings",
      `it must be at most max_position_embeddings, ${positions}`,
    );
  return {
    max_position_embeddings: positions,
    orig_max_position_embeddings: original,
    rope_theta: keys.positive("rope_theta"),
  };
}

function readGlobal(keys: Keys, layers: number): readonly number[] {
  const ids = keys.value("global_attn_idx");
  if (isLayers(ids, layers)) return ids;
  throw keys.wrong("global_attn_idx", `it must list layers, of 0 to ${layers - 1}, in order`);
}

function readGroups(keys: Keys, layers: number): readonly (readonly number[])[] {
  const groups = keys.value("kv_reuse_group");
  const fits = (value: unknown): value is number[][] =>
    Array.isArray(value) &&
    value.every((group) => isLayers(group, layers) && group.length > 0) &&
    new Set(value.flat()).size === value.flat().length;
  if (fits(groups)) return groups;
  throw keys.wrong(
    "kv_reuse_group",
    `it must list groups of layers, of 0 to ${layers - 1}, in order, no layer in two of them`,
  );
}
