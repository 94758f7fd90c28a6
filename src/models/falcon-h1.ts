import { ops, type Value } from "../graph/index.js";
import { attention, rotaryTables } from "./blocks/attention.js";
import { mamba2Mixer } from "./blocks/mamba2-mixer.js";
import { times } from "./blocks/multiplier.js";
import { residualNorm } from "./blocks/residual.js";
import { Decoder, type BuildOptions, type ModelGraph, type Part } from "./decoder.js";
import { fanIn, nearOne, normal } from "./init.js";

/** config.json of Falcon-H1, in Hugging Face's key names. */
export interface FalconH1Config {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly head_dim: number;
  readonly intermediate_size: number;
  readonly max_position_embeddings: number;
  readonly rms_norm_eps: number;
  readonly rope_theta: number;
  readonly tie_word_embeddings: boolean;
  /** Inner width of the mixer, `mamba_n_heads` · `mamba_d_head`; not a multiple of `hidden_size`. */
  readonly mamba_d_ssm: number;
  readonly mamba_n_heads: number;
  readonly mamba_d_head: number;
  readonly mamba_d_state: number;
  readonly mamba_n_groups: number;
  readonly mamba_d_conv: number;
  /** Whether the mixer's result is normed; if not, there is a gate alone. */
  readonly mamba_rms_norm: boolean;
  readonly mamba_norm_before_gate: boolean;
  readonly embedding_multiplier: number;
  readonly lm_head_multiplier: number;
  readonly attention_in_multiplier: number;
  readonly attention_out_multiplier: number;
  readonly key_multiplier: number;
  readonly ssm_in_multiplier: number;
  readonly ssm_out_multiplier: number;
  /** Of z, x, B, C and Δ. */
  readonly ssm_multipliers: readonly number[];
  /** Of the gate, inside its SiLU, and of the result. */
  readonly mlp_multipliers: readonly number[];
}

/**
 * Falcon-H1: in every layer grouped-query attention with rotary positions and a Mamba-2 mixer read the same normed
 * states, and both are added to the stream; then a gated SiLU MLP. No bias but the convolution's. Every multiplier is
 * folded into the weight before or after it. Source: transformers modeling_falcon_h1.
 */
export function buildFalconH1(config: FalconH1Config, options: BuildOptions): ModelGraph {
  const { hidden_size: width, rms_norm_eps: eps } = config;
  const model = new Decoder("falcon_h1", options);
  const { graph } = model;
  const embedding = model.parameter(
    "model.embed_tokens.weight",
    [config.vocab_size, width],
    normal(0.02),
    times(config.embedding_multiplier),
  );
  const rotary = rotaryTables(model, config.rope_theta, config.head_dim);
  const norm = (name: string): Value => model.parameter(`model.${name}.weight`, [width], nearOne);

  let stream = graph.scope("embed", () => ops.gather(embedding, model.inputIds));
  let delta: Value | undefined;
  for (let layer = 0; layer < config.num_hidden_layers; layer++)
    graph.scope(`layers.${layer}`, () => {
      const at = `model.layers.${layer}`;
      const start = residualNorm(stream, delta, norm(`layers.${layer}.input_layernorm`), eps, options);
      const mixed = graph.scope("mixer", () => mixer(model, config, layer, `${at}.mamba`, start.normed));
      const heard = graph.scope("attention", () =>
        selfAttention(model, config, layer, `${at}.self_attn`, start.normed, rotary),
      );
      const both = ops.add(mixed, heard);
      const middle = ops.skipRmsNorm(start.sum, both, norm(`layers.${layer}.pre_ff_layernorm`), eps);
      stream = middle.sum;
      delta = graph.scope("mlp", () => mlp(model, config, `${at}.feed_forward`, middle.normed));
    });
  const { head, finalNorm } = headOf(model, config, embedding);
  return model.finish(residualNorm(stream, delta, finalNorm, eps, options).normed, head);
}

function mixer(model: Decoder, config: FalconH1Config, layer: number, prefix: string, u: Value): Value {
  const { ssm_in_multiplier: into } = config;
  const [z, x, b, c, step] = config.ssm_multipliers.map((multiplier) => into * multiplier) as FiveNumbers;
  return mamba2Mixer(model, layer, prefix, u, {
    width: config.hidden_size,
    heads: config.mamba_n_heads,
    headDim: config.mamba_d_head,
    groups: config.mamba_n_groups,
    state: config.mamba_d_state,
    convWidth: config.mamba_d_conv,
    norm: config.mamba_rms_norm
      ? { eps: config.rms_norm_eps, beforeGate: config.mamba_norm_before_gate }
      : null,
    multipliers: { z, x, b, c, step, out: config.ssm_out_multiplier },
  });
}

type FiveNumbers = [number, number, number, number, number];

function selfAttention(
  model: Decoder,
  config: FalconH1Config,
  layer: number,
  prefix: string,
  u: Value,
  rotary: { cos: Value; sin: Value },
): Value {
  const { hidden_size: width, num_attention_heads: heads, num_key_value_heads: kvHeads } = config;
  const { head_dim: headDim, attention_in_multiplier: into } = config;
  const part = (name: string, rows: number, multiplier: number): Part => ({
    name: `${prefix}.${name}.weight`,
    shape: [rows * headDim, width],
    init: fanIn(width),
    ...times(multiplier),
  });
  const qkv = model.stacked(`${prefix}.qkv_proj.weight`, [
    part("q_proj", heads, into),
    part("k_proj", kvHeads, into * config.key_multiplier),
    part("v_proj", kvHeads, into),
  ]);
  const shape = { heads, kvHeads, headDim, scale: headDim ** -0.5 };
  const heard = attention(model, layer, model.linear(u, qkv), shape, rotary);
  const inner = heads * headDim;
  const out = times(config.attention_out_multiplier);
  return model.linear(heard, model.matrix(`${prefix}.o_proj.weight`, [width, inner], fanIn(inner), out));
}

function mlp(model: Decoder, config: FalconH1Config, prefix: string, u: Value): Value {
  const { hidden_size: width, intermediate_size: inner } = config;
  const [ofGate, ofResult] = config.mlp_multipliers as [number, number];
  const part = (name: string, multiplier: number): Part => ({
    name: `${prefix}.${name}.weight`,
    shape: [inner, width],
    init: fanIn(width),
    ...times(multiplier),
  });
  const parts = [part("gate_proj", ofGate), part("up_proj", 1)];
  const [gate, up] = model.products(u, `${prefix}.gate_up_proj.weight`, parts) as [Value, Value];
  const down = model.matrix(`${prefix}.down_proj.weight`, [width, inner], fanIn(inner), times(ofResult));
  return model.linear(ops.mul(ops.silu(gate), up), down);
}

/** A tied head is held times the embedding's multiplier: the norm before it makes up for that. */
function headOf(model: Decoder, config: FalconH1Config, embedding: Value): { head: Value; finalNorm: Value } {
  const { hidden_size: width, lm_head_multiplier: ofHead, tie_word_embeddings: tied } = config;
  const ofNorm = tied ? ofHead / config.embedding_multiplier : 1;
  return {
    finalNorm: model.parameter("model.final_layernorm.weight", [width], nearOne, times(ofNorm)),
    head: tied
      ? embedding
      : model.parameter("lm_head.weight", [config.vocab_size, width], normal(0.02), times(ofHead)),
  };
}
