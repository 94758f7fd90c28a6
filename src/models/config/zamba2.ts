import { zamba2HeadDim, type Zamba2Config } from "../zamba2.js";
import { readHeads } from "./gated-decoder.js";
import { isLayers, type Keys } from "./keys.js";
import { refuseTimeStepLimit } from "./mamba.js";
import { MOST_POSITIONS, readRope } from "./rope.js";

/**
 * No bias but the convolution's, no stretched rotation. `time_step_min`, to which transformers raises Δ in prefill alone,
 * is not read (see `buildZamba2`). Defaults: transformers 5.23, configuration_zamba2, whose layout is of one large model, so
 * it is none here.
 */
export function readZamba2(keys: Keys): Zamba2Config {
  keys.only("hidden_act", "gelu", ["gelu"]);
  for (const key of ["add_bias_linear", "use_long_context"]) keys.only(key, false, [false]);
  for (const key of ["use_conv_bias", "tie_word_embeddings"]) keys.only(key, true, [true]);
  refuseTimeStepLimit(keys);
  const hidden_size = keys.count("hidden_size", "channels");
  const num_hidden_layers = keys.layers("num_hidden_layers");
  const attention = readAttention(keys, hidden_size);
  const headDim = zamba2HeadDim({ hidden_size, ...attention });
  const positions = keys.count("max_position_embeddings", "positions", 4096, MOST_POSITIONS);
  const use_mem_rope = keys.flag("use_mem_rope", false);
  return {
    vocab_size: keys.count("vocab_size", "tokens"),
    hidden_size,
    num_hidden_layers,
    hybrid_layer_ids: readHybridLayers(keys, num_hidden_layers),
    num_mem_blocks: keys.count("num_mem_blocks", "blocks", 1),
    ...attention,
    intermediate_size: keys.count("intermediate_size", "channels", 4 * hidden_size),
    max_position_embeddings: positions,
    rms_norm_eps: keys.positive("rms_norm_eps", 1e-5),
    use_mem_rope,
    rope_theta: use_mem_rope ? readRope(keys, headDim, positions, { kinds: [] }).rope_theta : null,
    adapter_rank: keys.count("adapter_rank", "channels", 128),
    ...readMixer(keys, hidden_size),
  };
}

/** From the kinds of the layers, "mamba" under its newer name too, or from `hybrid_layer_ids` where there are none. */
function readHybridLayers(keys: Keys, layers: number): readonly number[] {
  const ids = keys.value("hybrid_layer_ids");
  const types = keys.value("layers_block_type");
  if (ids !== undefined && types === undefined) {
    if (isLayers(ids, layers) && ids.length > 0) return ids;
    throw keys.wrong("hybrid_layer_ids", `it must list some layers, of 0 to ${layers - 1}, in order`);
  }
  const known = ["mamba", "linear_attention", "hybrid"];
  if (
    !Array.isArray(types) ||
    types.length !== layers ||
    !types.every((type) => known.includes(type as string)) ||
    !types.includes("hybrid")
  )
    throw keys.wrong(
      "layers_block_type",
      `it must make each of the ${layers} layers (num_hidden_layers) "mamba" or "hybrid", and one at least "hybrid"`,
    );
  const hybrid = types.flatMap((type, layer) => (type === "hybrid" ? [layer] : []));
  keys.only("hybrid_layer_ids", hybrid, [hybrid]);
  return hybrid;
}

type Attention = Pick<
  Zamba2Config,
  "num_attention_heads" | "num_key_value_heads" | "use_shared_attention_adapter"
>;

function readAttention(keys: Keys, width: number): Attention {
  const heads = keys.count("num_attention_heads", "heads", 32);
  const attention = {
    num_attention_heads: heads,
    num_key_value_heads: keys.count("num_key_value_heads", "heads", heads),
    use_shared_attention_adapter: keys.flag("use_shared_attention_adapter", false),
  };
  const head_dim = zamba2HeadDim({ hidden_size: width, num_attention_heads: heads });
  if (!Number.isInteger(head_dim))
    throw keys.wrong("num_attention_heads", `it must divide twice hidden_size, ${2 * width}`);
  readHeads(keys, { hidden_size: 2 * width, ...attention, head_dim });
  keys.only("attention_hidden_size", 2 * width, [2 * width]);
  for (const key of ["attention_head_dim", "head_dim"]) keys.only(key, head_dim, [head_dim]);
  // transformers' adapters are as wide as all query heads, of keys and values too.
  if (attention.use_shared_attention_adapter) keys.only("num_key_value_heads", heads, [heads]);
  return attention;
}

type Mixer = Pick<Zamba2Config, Extract<keyof Zamba2Config, `mamba_${string}`> | "n_mamba_heads">;

function readMixer(keys: Keys, width: number): Mixer {
  const heads = keys.count("n_mamba_heads", "heads", 8);
  const expand = keys.positive("mamba_expand", 2);
  const headDim = (expand * width) / heads;
  if (!Number.isInteger(headDim))
    throw keys.wrong("n_mamba_heads", `it must divide mamba_expand times hidden_size, ${expand * width}`);
  keys.only("mamba_headdim", headDim, [headDim]);
  const groups = keys.count("mamba_ngroups", "groups", 1);
  if (heads % groups !== 0) throw keys.wrong("mamba_ngroups", `it must divide n_mamba_heads, ${heads}`);
  return {
    mamba_d_state: keys.count("mamba_d_state", "channels", 64),
    mamba_d_conv: keys.count("mamba_d_conv", "tokens", 4),
    mamba_expand: expand,
    mamba_ngroups: groups,
    n_mamba_heads: heads,
  };
}
