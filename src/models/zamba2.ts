import { UserError } from "../errors.js";
import { ops, type Matrix, type Value } from "../graph/index.js";
import { attention, rotaryTables } from "./blocks/attention.js";
import { mamba2Mixer, type Mamba2Shape } from "./blocks/mamba2-mixer.js";
import { residualNorm } from "./blocks/residual.js";
import { Decoder, type BuildOptions, type ModelGraph, type Part } from "./decoder.js";
import { fanIn, nearOne, normal, type Init } from "./init.js";

/** config.json of Zamba2, in Hugging Face's key names. */
export interface Zamba2Config {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  /** Layers in front of whose mixer a shared block runs. */
  readonly hybrid_layer_ids: readonly number[];
  /** Shared blocks; the hybrid layers use them in turn. */
  readonly num_mem_blocks: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly intermediate_size: number;
  readonly max_position_embeddings: number;
  readonly rms_norm_eps: number;
  /** Whether attention rotates queries and keys; without it there is no position but the mixers' order. */
  readonly use_mem_rope: boolean;
  /** null without rotary positions. */
  readonly rope_theta: number | null;
  /** Whether q, k and v have adapters of each use; the MLP's always has. */
  readonly use_shared_attention_adapter: boolean;
  readonly adapter_rank: number;
  readonly mamba_d_state: number;
  readonly mamba_d_conv: number;
  readonly mamba_expand: number;
  readonly mamba_ngroups: number;
  readonly n_mamba_heads: number;
}

/** Of the mixer's gated norm: a constant of the code, not of config.json. */
const GATED_NORM_EPS = 1e-5;

/** Components of an attention head: a shared block reads the stream and the embedding side by side. */
export const zamba2HeadDim = (config: Pick<Zamba2Config, "hidden_size" | "num_attention_heads">): number =>
  (2 * config.hidden_size) / config.num_attention_heads;

/**
 * Zamba2: a Mamba-2 mixer in every layer. In front of a hybrid layer's mixer one of a few shared transformer blocks reads
 * the stream and the embedding of the same token, and is added to the mixer's input alone, not to the stream. Every use
 * of a block has low-rank adapters and a cache of its own; its weights are held once. Linears have no bias, Δ no bounds.
 * Source: Glorioso et al., arXiv 2411.15242; transformers modeling_zamba2 (whose prefill, but not its decode step, raises
 * Δ to time_step_min).
 */
export function buildZamba2(config: Zamba2Config, options: BuildOptions): ModelGraph {
  const { hidden_size: width, rms_norm_eps: eps } = config;
  const model = new Decoder("zamba2", options);
  const { graph } = model;
  const embedding = model.parameter("model.embed_tokens.weight", [config.vocab_size, width], normal(0.02));
  const rotary = config.use_mem_rope
    ? rotaryTables(model, thetaOf(config), zamba2HeadDim(config))
    : undefined;
  const norm = (name: string): Value => model.parameter(`model.${name}.weight`, [width], nearOne);
  const mixer = (layer: number, prefix: string, u: Value): Value =>
    graph.scope("mixer", () => mamba2Mixer(model, layer, `model.${prefix}.mamba`, u, mixerShape(config)));

  const embedded = graph.scope("embed", () => ops.gather(embedding, model.inputIds));
  let stream = embedded;
  let delta: Value | undefined;
  for (let layer = 0; layer < config.num_hidden_layers; layer++) {
    const at = `layers.${layer}`;
    const use = config.hybrid_layer_ids.indexOf(layer);
    graph.scope(at, () => {
      if (use < 0) {
        const input = norm(`${at}.input_layernorm`);
        const { sum, normed } = residualNorm(stream, delta, input, eps, options);
        stream = sum;
        delta = mixer(layer, at, normed);
      } else {
        if (delta) stream = ops.add(stream, delta);
        const heard = sharedBlock(model, config, use, stream, embedded, rotary);
        const input = norm(`${at}.mamba_decoder.input_layernorm`);
        const { normed } = ops.skipRmsNorm(stream, heard, input, eps);
        delta = mixer(layer, `${at}.mamba_decoder`, normed);
      }
    });
  }
  const { normed } = residualNorm(stream, delta, norm("final_layernorm"), eps, options);
  return model.finish(normed, embedding);
}

function thetaOf({ rope_theta: theta }: Zamba2Config): number {
  if (typeof theta === "number") return theta;
  throw new UserError(`use_mem_rope is true, but rope_theta is ${theta}; it must be a number, e.g. 10000`);
}

const mixerShape = (config: Zamba2Config): Mamba2Shape => ({
  width: config.hidden_size,
  heads: config.n_mamba_heads,
  headDim: (config.mamba_expand * config.hidden_size) / config.n_mamba_heads,
  groups: config.mamba_ngroups,
  state: config.mamba_d_state,
  convWidth: config.mamba_d_conv,
  norm: { eps: GATED_NORM_EPS, beforeGate: false },
});

/** An adapter's second half: it corrects what it is added to, it does not double it (which sharpens attention). */
const correction = (rank: number): Init => normal(0.25 / Math.sqrt(rank));

/** A tensor of a shared block by its name within the block. */
type SharedPart = (name: string, shape: readonly number[], init?: Init) => Part;

/** The tensors of a use's block: named after the first layer that uses it, as transformers ties the others to that. */
function sharedParts(config: Zamba2Config, use: number): SharedPart {
  const { hybrid_layer_ids: layers, num_mem_blocks: blocks } = config;
  const [first, ...others] = layers.filter((_, other) => other % blocks === use % blocks);
  return (name, shape, init = fanIn(shape.at(-1)!)) => {
    const under = (layer: number): string => `model.layers.${layer}.shared_transformer.${name}.weight`;
    return { name: under(first!), shape, init, aliases: others.map(under) };
  };
}

/**
 * Attention, MLP and the use's own linear layer, one after the other: no residual around any of them.
 *
 * @param use ordinal of the hybrid layer
 * @returns what is added to the input of the layer's mixer
 */
function sharedBlock(
  model: Decoder,
  config: Zamba2Config,
  use: number,
  stream: Value,
  embedded: Value,
  rotary: { cos: Value; sin: Value } | undefined,
): Value {
  const { hidden_size: width, rms_norm_eps: eps } = config;
  const { graph } = model;
  const part = sharedParts(config, use);
  const layer = config.hybrid_layer_ids[use]!;
  const both = ops.concat([stream, embedded], -1);
  const u = ops.rmsNorm(both, sharedNorm(model, part("input_layernorm", [2 * width], nearOne)), eps);
  const heard = graph.scope("attention", () => selfAttention(model, config, layer, use, part, u, rotary));
  const m = ops.rmsNorm(heard, sharedNorm(model, part("pre_ff_layernorm", [width], nearOne)), eps);
  const thought = graph.scope("mlp", () => mlp(model, config, use, part, m));
  const own = model.matrix(`model.layers.${layer}.linear.weight`, [width, width], fanIn(width));
  return graph.scope("linear", () => model.linear(thought, own));
}

const matrix = (model: Decoder, part: Part): Matrix => model.stacked(part.name, [part]);
const sharedNorm = (model: Decoder, part: Part): Value => model.stackedVectors(part.name, [part]);

function selfAttention(
  model: Decoder,
  config: Zamba2Config,
  layer: number,
  use: number,
  part: SharedPart,
  u: Value,
  rotary: { cos: Value; sin: Value } | undefined,
): Value {
  const { num_attention_heads: heads, num_key_value_heads: kvHeads, adapter_rank: rank } = config;
  const headDim = zamba2HeadDim(config);
  const [inputs, inner] = [2 * config.hidden_size, heads * headDim];
  const rows = [
    ["q", inner],
    ["k", kvHeads * headDim],
    ["v", kvHeads * headDim],
  ] as const;
  const base = rows.map(([name, out]) => part(`self_attn.${name}_proj`, [out, inputs]));
  let qkv = model.linear(u, model.stacked(part("self_attn.qkv_proj", []).name, base));
  if (config.use_shared_attention_adapter) {
    const adapter = (name: string, half: 0 | 1): string =>
      `self_attn.linear_${name}_adapter_list.${use}.${half}`;
    const down = rows.map(([name]) => part(adapter(name, 0), [rank, inputs]));
    const low = model.products(u, part(adapter("qkv", 0), []).name, down);
    const up = rows.map(([name, out], i) =>
      model.linear(low[i]!, matrix(model, part(adapter(name, 1), [out, rank], correction(rank)))),
    );
    qkv = ops.add(qkv, ops.concat(up, -1));
  }
  // As for a head of hidden_size / heads: the half of it that the stream alone would give.
  const shape = { heads, kvHeads, headDim, scale: (headDim / 2) ** -0.5 };
  const heard = attention(model, layer, qkv, shape, rotary);
  return model.linear(heard, matrix(model, part("self_attn.o_proj", [config.hidden_size, inner])));
}

/** down(GELU(gate m) ⊙ up m), with the use's adapter on gate and up. */
function mlp(model: Decoder, config: Zamba2Config, use: number, part: SharedPart, m: Value): Value {
  const { hidden_size: width, intermediate_size: inner, adapter_rank: rank } = config;
  const gateAndUp = (x: Value, both: Part): [Value, Value] =>
    model.products(x, both.name, [both], [{ rows: inner }, { rows: inner }]) as [Value, Value];
  const adapter = `feed_forward.gate_up_proj_adapter_list.${use}`;
  const low = model.linear(m, matrix(model, part(`${adapter}.0`, [rank, width])));
  const [gate, up] = gateAndUp(m, part("feed_forward.gate_up_proj", [2 * inner, width]));
  const [ofGate, ofUp] = gateAndUp(low, part(`${adapter}.1`, [2 * inner, rank], correction(rank)));
  const opened = ops.mul(ops.gelu(ops.add(gate, ofGate)), ops.add(up, ofUp));
  return model.linear(opened, matrix(model, part("feed_forward.down_proj", [width, inner])));
}
