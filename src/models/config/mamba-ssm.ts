import { Keys } from "./keys.js";

/**
 * The config.json of state-spaces' own repositories (mamba_ssm's MambaConfig, without a model_type) in the keys of
 * transformers. Defaults: mamba_ssm e9594ce, models/config_mamba.py, modules/mamba_simple.py, modules/mamba2.py. Their
 * tensors have the names of transformers but for the embedding's.
 */
export function fromMambaSsm(keys: Keys): Record<string, unknown> {
  const ssm = keys.inner("ssm_cfg") ?? new Keys({}, "ssm_cfg.");
  ssm.only("layer", "Mamba1", ["Mamba1", "Mamba2"]);
  keys.only("rms_norm", true, [true]);
  keys.only("tie_embeddings", true, [true]);
  keys.only("d_intermediate", 0, [0]);
  keys.only("attn_layer_idx", [], [[]]);
  ssm.only("bias", false, [false]);
  ssm.only("conv_bias", true, [true]);
  const mamba2 = ssm.text("layer", "Mamba1") === "Mamba2";
  const width = keys.count("d_model", "channels");
  const multiple = keys.count("pad_vocab_size_multiple", "tokens", 8);
  const expand = ssm.positive("expand", 2);
  const common = {
    vocab_size: multiple * Math.ceil(keys.count("vocab_size", "tokens") / multiple),
    hidden_size: width,
    num_hidden_layers: keys.layers("n_layer"),
    expand,
    state_size: ssm.count("d_state", "channels", mamba2 ? 128 : 16),
    conv_kernel: ssm.count("d_conv", "tokens", 4),
    tie_word_embeddings: true,
  };
  if (!mamba2) return { model_type: "mamba", ...common, time_step_rank: ssm.value("dt_rank") ?? "auto" };
  ssm.only("rmsnorm", true, [true]);
  ssm.only("norm_before_gate", false, [false]);
  ssm.only("D_has_hdim", false, [false]);
  ssm.only("d_ssm", expand * width, [expand * width]);
  const headDim = ssm.count("headdim", "channels", 64);
  return {
    model_type: "mamba2",
    ...common,
    head_dim: headDim,
    num_heads: (expand * width) / headDim,
    n_groups: ssm.count("ngroups", "groups", 1),
    time_step_limit: ssm.value("dt_limit"),
  };
}
