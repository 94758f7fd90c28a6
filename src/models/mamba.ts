import { type Value } from "../graph/index.js";
import { mambaBackbone } from "./blocks/backbone.js";
import { scanOutputs, selectiveScan } from "./blocks/selective-scan.js";
import { type Decoder, type BuildOptions, type ModelGraph } from "./decoder.js";
import { fanIn } from "./init.js";

/** config.json of Mamba (transformers), in Hugging Face's key names. */
export interface MambaConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly intermediate_size: number;
  readonly state_size: number;
  readonly conv_kernel: number;
  readonly time_step_rank: number;
  readonly layer_norm_epsilon: number;
}

/** Mamba-1: selective state-space blocks, no positions, tied head. Source: Gu & Dao, arXiv 2312.00752; transformers modeling_mamba. */
export function buildMamba(config: MambaConfig, options: BuildOptions): ModelGraph {
  return mambaBackbone("mamba", config, options, (model, layer, normed) =>
    mixer(model, config, layer, normed),
  );
}

function mixer(model: Decoder, config: MambaConfig, layer: number, u: Value): Value {
  const { hidden_size: width, intermediate_size: inner, state_size: state, time_step_rank: rank } = config;
  const prefix = `backbone.layers.${layer}.mixer`;
  const projection = { name: `${prefix}.in_proj.weight`, shape: [2 * inner, width], init: fanIn(width) };
  const parts = model.products(u, projection.name, [projection], scanOutputs(model, inner));
  const y = selectiveScan(model, layer, parts, { inner, state, rank, convWidth: config.conv_kernel, prefix });
  return model.linear(y, model.matrix(`${prefix}.out_proj.weight`, [width, inner], fanIn(inner)));
}
