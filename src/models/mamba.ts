import { ops, type Value } from "../graph/index.js";
import { mambaBackbone } from "./blocks/backbone.js";
import { causalConv } from "./blocks/causal-conv.js";
import { type Decoder, type BuildOptions, type Held, type ModelGraph } from "./decoder.js";
import { decayRate, fanIn, logCount, nearOne, normal, timeStepBias, type Init } from "./init.js";

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

/**
 * S_t = exp(Δ_t A) S_{t−1} + Δ_t B_t x_t, y_t = C_t S_t + D x_t for every channel, A = −exp(A_log) [channels, state].
 * As a gated linear attention every channel is a head with d_k = state and d_v = 1.
 */
function mixer(model: Decoder, config: MambaConfig, layer: number, u: Value): Value {
  const { hidden_size: width, intermediate_size: inner, state_size: state, time_step_rank: rank } = config;
  const { graph } = model;
  const { dtype } = model.options;
  const prefix = `backbone.layers.${layer}.mixer`;
  const parameter = (name: string, shape: number[], init: Init, held?: Held): Value =>
    model.parameter(`${prefix}.${name}`, shape, init, held);

  const projection = { name: `${prefix}.in_proj.weight`, shape: [2 * inner, width], init: fanIn(width) };
  const outputs = [{ rows: inner, channelsFirst: true }, { rows: inner }];
  const [before, gate] = model.products(u, projection.name, [projection], outputs) as [Value, Value];
  const x = causalConv(model, layer, prefix, before, config.conv_kernel);
  const selected = ops.linear(x, parameter("x_proj.weight", [rank + 2 * state, inner], fanIn(inner)));
  const [low, b, c] = ops.split(selected, [rank, state, state]) as [Value, Value, Value];
  const raw = ops.linear(low, parameter("dt_proj.weight", [inner, rank], normal(0.1 / Math.sqrt(rank))));
  const dtBias = parameter("dt_proj.bias", [inner], timeStepBias, { dtype: "float32" });
  const a = parameter("A_log", [inner, state], logCount(state), { dtype: "float32", transform: decayRate });
  const skip = parameter("D", [inner], nearOne);

  const y = graph.scope("ssm", () => {
    const step = ops.softplus(ops.add(ops.cast(raw, "float32"), dtBias));
    const logDecay = ops.cast(ops.reshape(ops.mul(ops.unsqueeze(step, -1), a), [0, 0, inner * state]), dtype);
    const cache = model.cache("ssm", layer, [inner, state, 1]);
    const { output, present } = ops.linearAttention(
      { q: c, k: b, v: ops.mul(ops.cast(step, dtype), x), past: cache.past, logDecay },
      { heads: inner, groups: 1 },
    );
    cache.carry(present);
    return ops.mul(ops.add(output, ops.mul(x, skip)), ops.silu(gate));
  });
  return ops.linear(y, model.matrix(`${prefix}.out_proj.weight`, [width, inner], fanIn(inner)));
}
