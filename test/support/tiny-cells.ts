import type { Model } from "../../src/models/index.js";
import { plan, type Cell, type Settings } from "../../src/run/index.js";

/** Two architectures at a size that takes milliseconds; their names are in no registry. */
const TINY: readonly Model[] = [
  {
    name: "tiny-gpt-neo",
    family: "transformer",
    hfId: "none",
    parameters: 1,
    source: "made up for tests",
    arch: "gpt_neo",
    config: {
      vocab_size: 64,
      hidden_size: 32,
      num_layers: 2,
      num_heads: 2,
      intermediate_size: null,
      max_position_embeddings: 64,
      window_size: 16,
      attention_layers: ["global", "local"],
      layer_norm_epsilon: 1e-5,
    },
  },
  {
    name: "tiny-mamba2",
    family: "ssm",
    hfId: "none",
    parameters: 1,
    source: "made up for tests",
    arch: "mamba2",
    config: {
      vocab_size: 64,
      hidden_size: 32,
      num_hidden_layers: 2,
      expand: 2,
      num_heads: 4,
      head_dim: 16,
      n_groups: 1,
      state_size: 16,
      conv_kernel: 4,
      layer_norm_epsilon: 1e-5,
    },
  },
];

/** The cells of a sweep over both, planned as their full-size models' are. */
export function tinyCells(settings: Omit<Settings, "models">): Cell[] {
  const [neo, mamba] = TINY as [Model, Model];
  return plan({ ...settings, models: ["gpt-neo-125m", "mamba2-130m"] }).map((cell) => ({
    ...cell,
    key: `tiny-${cell.key}`,
    model: cell.model.arch === "gpt_neo" ? neo : mamba,
  }));
}
