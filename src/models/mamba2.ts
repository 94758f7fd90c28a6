import type { BuildOptions, ModelGraph } from "./decoder.js";
import { mambaBackbone } from "./blocks/backbone.js";
import { mamba2Mixer } from "./blocks/mamba2-mixer.js";

/** config.json of Mamba-2 (transformers), in Hugging Face's key names. */
export interface Mamba2Config {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly expand: number;
  readonly num_heads: number;
  readonly head_dim: number;
  readonly n_groups: number;
  readonly state_size: number;
  readonly conv_kernel: number;
  readonly layer_norm_epsilon: number;
}

/** Mamba-2: state-space duality blocks with one decay a head, no positions, tied head. Source: Dao & Gu, arXiv 2405.21060; transformers modeling_mamba2. */
export function buildMamba2(config: Mamba2Config, options: BuildOptions): ModelGraph {
  const shape = {
    width: config.hidden_size,
    heads: config.num_heads,
    headDim: config.head_dim,
    groups: config.n_groups,
    state: config.state_size,
    convWidth: config.conv_kernel,
    norm: { eps: config.layer_norm_epsilon, beforeGate: false },
  };
  return mambaBackbone("mamba2", config, options, (model, layer, normed) =>
    mamba2Mixer(model, layer, `backbone.layers.${layer}.mixer`, normed, shape),
  );
}
