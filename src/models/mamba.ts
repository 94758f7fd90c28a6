import { ops, type Value } from "../graph/index.js";
import { mambaBackbone } from "./blocks/backbone.js";
import { causalConv, fusedCausalConv } from "./blocks/causal-conv.js";
import { type Decoder, type BuildOptions, type Held, type ModelGraph, type Part } from "./decoder.js";
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
 */
function mixer(model: Decoder, config: MambaConfig, layer: number, u: Value): Value {
  const { hidden_size: width, intermediate_size: inner, state_size: state, time_step_rank: rank } = config;
  const prefix = `backbone.layers.${layer}.mixer`;
  const parameter = (name: string, shape: number[], init: Init, held?: Held): Value =>
    model.parameter(`${prefix}.${name}`, shape, init, held);
  const block: Block = {
    ...{ config, layer, prefix },
    projection: { name: `${prefix}.in_proj.weight`, shape: [2 * inner, width], init: fanIn(width) },
    selection: parameter("x_proj.weight", [rank + 2 * state, inner], fanIn(inner)),
    stepWeight: parameter("dt_proj.weight", [inner, rank], normal(0.1 / Math.sqrt(rank))),
    stepBias: parameter("dt_proj.bias", [inner], timeStepBias, { dtype: "float32" }),
    a: parameter("A_log", [inner, state], logCount(state), { dtype: "float32", transform: decayRate }),
    skip: parameter("D", [inner], nearOne),
  };
  const y = (model.options.lowering === "fused" ? fusedScan : linearAttentionScan)(model, block, u);
  return ops.linear(y, parameter("out_proj.weight", [width, inner], fanIn(inner)));
}

/** What the ways to compute a layer have in common. */
interface Block {
  readonly config: MambaConfig;
  readonly layer: number;
  readonly prefix: string;
  /** Rows: what is convolved, then the gate. */
  readonly projection: Part;
  /** Rows: Δ before its own projection, B, C. */
  readonly selection: Value;
  readonly stepWeight: Value;
  readonly stepBias: Value;
  readonly a: Value;
  readonly skip: Value;
}

/** As a gated linear attention every channel is a head with d_k = state and d_v = 1. */
function linearAttentionScan(model: Decoder, block: Block, u: Value): Value {
  const { config, layer, prefix, projection, a } = block;
  const { intermediate_size: inner, state_size: state, time_step_rank: rank } = config;
  const { dtype } = model.options;
  const outputs = [{ rows: inner, channelsFirst: true }, { rows: inner }];
  const [before, gate] = model.products(u, projection.name, [projection], outputs) as [Value, Value];
  const x = causalConv(model, layer, prefix, before, config.conv_kernel);
  const selected = ops.linear(x, block.selection);
  const [low, b, c] = ops.split(selected, [rank, state, state]) as [Value, Value, Value];
  const raw = ops.linear(low, block.stepWeight);
  return model.graph.scope("ssm", () => {
    const step = ops.softplus(ops.add(ops.cast(raw, "float32"), block.stepBias));
    const logDecay = ops.cast(ops.reshape(ops.mul(ops.unsqueeze(step, -1), a), [0, 0, inner * state]), dtype);
    const cache = model.cache("ssm", layer, [inner, state, 1]);
    const { output, present } = ops.linearAttention(
      { q: c, k: b, v: ops.mul(ops.cast(step, dtype), x), past: cache.past, logDecay },
      { heads: inner, groups: 1 },
    );
    cache.carry(present);
    return ops.mul(ops.add(output, ops.mul(x, block.skip)), ops.silu(gate));
  });
}

/** By our own operators, which read their sections of the products where they lie. */
function fusedScan(model: Decoder, block: Block, u: Value): Value {
  const { config, layer, prefix, projection, stepBias, a, skip } = block;
  const { intermediate_size: inner, state_size: state, time_step_rank: rank } = config;
  const packed = ops.linear(u, model.stacked(projection.name, [projection]));
  const x = fusedCausalConv(model, layer, prefix, { of: packed, offset: 0 }, inner, config.conv_kernel);
  const selected = ops.linear(x, block.selection);
  // A product reads whole rows: of all that is computed only this, the least of it, is copied.
  const low = ops.slice(selected, -1, 0, rank, rank);
  const step = ops.linear(low, block.stepWeight);
  return model.graph.scope("ssm", () => {
    const cache = model.cache("ssm", layer, [inner, state], "float32");
    const { output, present } = ops.selectiveScan({
      x: { of: x, offset: 0 },
      step: { of: step, offset: 0 },
      b: { of: selected, offset: rank },
      c: { of: selected, offset: rank + state },
      gate: { of: packed, offset: inner },
      ...{ stepBias, a, skip, past: cache.past },
    });
    cache.carry(present);
    return output;
  });
}
