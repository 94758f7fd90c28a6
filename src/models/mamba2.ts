import { ops, type Value } from "../graph/index.js";
import { mambaBackbone } from "./blocks/backbone.js";
import { causalConv } from "./blocks/causal-conv.js";
import { ssdLinearAttention, ssdMatmul } from "./blocks/ssd.js";
import { type Decoder, type BuildOptions, type Held, type ModelGraph } from "./decoder.js";
import { decayRate, fanIn, logSpread, nearOne, timeStepBias, type Init } from "./init.js";

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
  return mambaBackbone("mamba2", config, options, (model, layer, normed) =>
    mixer(model, config, layer, normed),
  );
}

/** S_t = exp(Δ_t A) S_{t−1} + B_t ⊗ Δ_t x_t, y_t = C_t S_t + D x_t, with A, D, Δ one number a head. */
function mixer(model: Decoder, config: Mamba2Config, layer: number, u: Value): Value {
  const {
    hidden_size: width,
    num_heads: heads,
    head_dim: headDim,
    n_groups: groups,
    state_size: state,
  } = config;
  const inner = config.expand * width;
  const directions = groups * state;
  const { graph } = model;
  const { dtype, lowering, tokensMultipleOf } = model.options;
  const prefix = `backbone.layers.${layer}.mixer`;
  const parameter = (name: string, shape: number[], init: Init, held?: Held): Value =>
    model.parameter(`${prefix}.${name}`, shape, init, held);

  const outputs = [{ rows: inner }, { rows: inner + 2 * directions, channelsFirst: true }, { rows: heads }];
  const shape = [outputs.reduce((sum, { rows }) => sum + rows, 0), width];
  const projection = { name: `${prefix}.in_proj.weight`, shape, init: fanIn(width) };
  const [gate, before, raw] = model.products(u, projection.name, [projection], outputs) as [
    Value,
    Value,
    Value,
  ];
  const mixed = causalConv(model, layer, prefix, before, config.conv_kernel);
  const [x, b, c] = ops.split(mixed, [inner, directions, directions]) as [Value, Value, Value];
  const dtBias = parameter("dt_bias", [heads], timeStepBias, { dtype: "float32" });
  const a = parameter("A_log", [heads], logSpread, { dtype: "float32", transform: decayRate });
  const skip = parameter("D", [heads], nearOne, { shape: [groups, heads / groups, 1] });

  const y = graph.scope("ssm", () => {
    const step = ops.softplus(ops.add(ops.cast(raw, "float32"), dtBias));
    const logDecay = ops.mul(step, a);
    const cache = model.cache("ssm", layer, [heads, state, headDim]);
    const recurrence = lowering === "ssd-matmul" ? ssdMatmul : ssdLinearAttention;
    const { output, present } = recurrence(
      { x, step, logDecay, b, c, skip, past: cache.past },
      { heads, headDim, groups, state, tokensMultipleOf },
    );
    cache.carry(present);
    return output;
  });
  // The gate comes before the norm, and each group is normed on its own.
  const normed = graph.scope("gate", () => {
    const perGroup = inner / groups;
    const gated = ops.reshape(ops.mul(y, ops.silu(gate)), [0, 0, groups, perGroup]);
    const norm = (shape: number[]): Value => parameter("norm.weight", [inner], nearOne, { shape });
    if (groups === 1) return ops.rmsNorm(gated, norm([inner]), config.layer_norm_epsilon);
    const ones = ops.cast(graph.constant("float32", [perGroup], Array<number>(perGroup).fill(1)), dtype);
    return ops.mul(ops.rmsNorm(gated, ones, config.layer_norm_epsilon), norm([groups, perGroup]));
  });
  const out = parameter("out_proj.weight", [width, inner], fanIn(inner));
  return ops.linear(ops.reshape(normed, [0, 0, inner]), out);
}
