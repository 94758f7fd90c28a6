import type { FalconH1Config } from "../falcon-h1.js";
import { readHeads } from "./gated-decoder.js";
import type { Keys } from "./keys.js";
import { refuseTimeStepLimit } from "./mamba.js";
import { MOST_POSITIONS, readRope } from "./rope.js";

/** No bias but the convolution's, no stretched rotation. Defaults: transformers 5.23, configuration_falcon_h1. */
export function readFalconH1(keys: Keys): FalconH1Config {
  keys.only("hidden_act", "silu", ["silu"]);
  for (const key of ["attention_bias", "mlp_bias", "projectors_bias", "mamba_proj_bias"])
    keys.only(key, false, [false]);
  keys.only("mamba_conv_bias", true, [true]);
  refuseTimeStepLimit(keys);
  const hidden_size = keys.count("hidden_size", "channels");
  const heads = keys.count("num_attention_heads", "heads", 32);
  const attention = {
    hidden_size,
    num_attention_heads: heads,
    num_key_value_heads: keys.count(
      "num_key_value_heads",
      "heads",
      keys.isNull("num_key_value_heads") ? heads : 8,
    ),
    ...(keys.value("head_dim") !== undefined && { head_dim: keys.count("head_dim", "channels") }),
  };
  const head_dim = readHeads(keys, attention);
  const positions = keys.count("max_position_embeddings", "positions", 8192, MOST_POSITIONS);
  return {
    vocab_size: keys.count("vocab_size", "tokens"),
    ...attention,
    head_dim,
    num_hidden_layers: keys.layers("num_hidden_layers"),
    intermediate_size: keys.count("intermediate_size", "channels"),
    max_position_embeddings: positions,
    rms_norm_eps: keys.positive("rms_norm_eps", 1e-5),
    rope_theta: readRope(keys, head_dim, positions, { kinds: [] }).rope_theta,
    tie_word_embeddings: keys.flag("tie_word_embeddings", false),
    ...readMixer(keys, hidden_size),
    ...readMultipliers(keys),
  };
}

type Mixer = Pick<FalconH1Config, Extract<keyof FalconH1Config, `mamba_${string}`>>;

function readMixer(keys: Keys, width: number): Mixer {
  const inner = keys.count(
    "mamba_d_ssm",
    "channels",
    keys.isNull("mamba_d_ssm") ? keys.positive("mamba_expand", 2) * width : 1024,
  );
  const heads = keys.count("mamba_n_heads", "heads", 128);
  const auto = keys.value("mamba_d_head") === undefined || keys.value("mamba_d_head") === "auto";
  const headDim = auto ? inner / heads : keys.count("mamba_d_head", "channels");
  if (heads * headDim !== inner || !Number.isInteger(headDim))
    throw keys.wrong("mamba_n_heads", `times mamba_d_head, ${headDim}, it must be mamba_d_ssm, ${inner}`);
  const groups = keys.count("mamba_n_groups", "groups", 1);
  if (heads % groups !== 0) throw keys.wrong("mamba_n_groups", `it must divide mamba_n_heads, ${heads}`);
  return {
    mamba_d_ssm: inner,
    mamba_n_heads: heads,
    mamba_d_head: headDim,
    mamba_d_state: keys.count("mamba_d_state", "channels", 256),
    mamba_n_groups: groups,
    mamba_d_conv: keys.count("mamba_d_conv", "tokens", 4),
    mamba_rms_norm: keys.flag("mamba_rms_norm", false),
    mamba_norm_before_gate: keys.flag("mamba_norm_before_gate", true),
  };
}

type Multipliers = Pick<
  FalconH1Config,
  Extract<keyof FalconH1Config, `${string}_multiplier` | `${string}_multipliers`>
>;

function readMultipliers(keys: Keys): Multipliers {
  const one = (key: string): number => keys.number(key, 1);
  return {
    // A tied head is made up for it by dividing.
    embedding_multiplier: keys.positive("embedding_multiplier", 1),
    lm_head_multiplier: one("lm_head_multiplier"),
    attention_in_multiplier: one("attention_in_multiplier"),
    attention_out_multiplier: one("attention_out_multiplier"),
    key_multiplier: one("key_multiplier"),
    ssm_in_multiplier: one("ssm_in_multiplier"),
    ssm_out_multiplier: one("ssm_out_multiplier"),
    ssm_multipliers: keys.numbers("ssm_multipliers", 5, "of z, x, B, C and the time step", [1, 1, 1, 1, 1]),
    mlp_multipliers: keys.numbers("mlp_multipliers", 2, "of the gate and the result", [1, 1]),
  };
}
