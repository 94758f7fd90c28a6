import type { MambaConfig } from "../mamba.js";
import type { Mamba2Config } from "../mamba2.js";
import type { Keys } from "./keys.js";

/** Defaults: transformers 5.23, configuration_mamba. */
export function readMamba(keys: Keys): MambaConfig {
  readCommon(keys, true);
  const hidden_size = keys.count("hidden_size", "channels");
  const intermediate_size = keys.count(
    "intermediate_size",
    "channels",
    keys.positive("expand", 2) * hidden_size,
  );
  if (
    keys.value("expand") !== undefined &&
    intermediate_size !== Math.trunc(keys.positive("expand") * hidden_size)
  )
    throw keys.wrong("intermediate_size", `it must be expand times hidden_size`);
  const rank = keys.value("time_step_rank");
  return {
    vocab_size: keys.count("vocab_size", "tokens", 50280),
    hidden_size,
    num_hidden_layers: keys.layers("num_hidden_layers"),
    intermediate_size,
    state_size: keys.count("state_size", "channels", 16),
    conv_kernel: keys.count("conv_kernel", "tokens", 4),
    time_step_rank:
      rank === "auto" || rank === undefined
        ? Math.ceil(hidden_size / 16)
        : keys.count("time_step_rank", "channels"),
    layer_norm_epsilon: keys.positive("layer_norm_epsilon", 1e-5),
  };
}

/** Defaults: transformers 5.23, configuration_mamba2; they are those of one large model, so sizes have none here. */
export function readMamba2(keys: Keys): Mamba2Config {
  readCommon(keys, false);
  keys.only("rms_norm", true, [true]);
  const config = {
    vocab_size: keys.count("vocab_size", "tokens"),
    hidden_size: keys.count("hidden_size", "channels"),
    num_hidden_layers: keys.layers("num_hidden_layers"),
    expand: keys.positive("expand", 2),
    num_heads: keys.count("num_heads", "heads"),
    head_dim: keys.count("head_dim", "channels", 64),
    n_groups: keys.count("n_groups", "groups", 8),
    state_size: keys.count("state_size", "channels", 128),
    conv_kernel: keys.count("conv_kernel", "tokens", 4),
    layer_norm_epsilon: keys.positive("layer_norm_epsilon", 1e-5),
  };
  const inner = config.expand * config.hidden_size;
  if (config.num_heads * config.head_dim !== inner)
    throw keys.wrong(
      "num_heads",
      `times head_dim, ${config.head_dim}, it must be expand times hidden_size, ${inner}`,
    );
  if (config.num_heads % config.n_groups !== 0)
    throw keys.wrong("n_groups", `it must divide num_heads, ${config.num_heads}`);
  refuseTimeStepLimit(keys);
  return config;
}

/** What both compute in one way only. */
function readCommon(keys: Keys, tied: boolean): void {
  keys.only("hidden_act", "silu", ["silu"]);
  keys.only("use_bias", false, [false]);
  keys.only("use_conv_bias", true, [true]);
  keys.only("tie_word_embeddings", tied, [true]);
}

/** Δ is not clamped. Infinity is what JSON cannot say: transformers 5 writes an object, reading a file makes one of older files' word. */
export function refuseTimeStepLimit(keys: Keys): void {
  const limit = keys.value("time_step_limit");
  if (limit === undefined) return;
  const [low, high] = Array.isArray(limit) ? (limit as unknown[]) : [];
  const infinite = high === Infinity || JSON.stringify(high) === '{"__float__":"Infinity"}';
  if (low !== 0 || !infinite)
    throw keys.wrong("time_step_limit", "only [0, Infinity] is supported: time steps are not clamped");
}
