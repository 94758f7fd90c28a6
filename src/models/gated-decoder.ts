import { ops, type Value } from "../graph/index.js";
import { attention, rotaryTables } from "./blocks/attention.js";
import type { RopeScaling } from "./blocks/rotary.js";
import { Decoder, type BuildOptions, type ModelGraph, type Part } from "./decoder.js";
import { bias, fanIn, nearOne, normal } from "./init.js";

/** model_type of the architectures that are one decoder but for what `GATED` tells. */
export type GatedArch = "qwen2" | "llama" | "phi3";

/** config.json of these architectures, in Hugging Face's key names. */
export interface GatedDecoderConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  /** Default: hidden_size / num_attention_heads. */
  readonly head_dim?: number;
  readonly intermediate_size: number;
  readonly max_position_embeddings: number;
  readonly rms_norm_eps: number;
  readonly rope_theta: number;
  readonly rope_scaling?: RopeScaling | null;
  readonly tie_word_embeddings: boolean;
}

/** How the architectures differ. */
export const GATED: Record<
  GatedArch,
  {
    /** Whether q, k and v have biases. */
    readonly qkvBias: boolean;
    /** Whether the checkpoint stores q, k and v as one tensor, and gate and up as one. */
    readonly fused: boolean;
  }
> = {
  qwen2: { qkvBias: true, fused: false },
  llama: { qkvBias: false, fused: false },
  phi3: { qkvBias: false, fused: true },
};

/** Components of a head. */
export const headDimOf = (
  config: Pick<GatedDecoderConfig, "head_dim" | "hidden_size" | "num_attention_heads">,
): number => config.head_dim ?? config.hidden_size / config.num_attention_heads;

/**
 * Qwen2 and Qwen2.5, Llama, Phi-3: RMSNorm, grouped-query attention with rotary positions, gated SiLU MLP. Source:
 * transformers modeling_qwen2, modeling_llama, modeling_phi3. No window: config.json of Qwen2.5 switches its own off, that
 * of Phi-3-mini-128k is longer than its positions.
 */
export function buildGatedDecoder(
  arch: GatedArch,
  config: GatedDecoderConfig,
  options: BuildOptions,
): ModelGraph {
  const { hidden_size: width, rms_norm_eps: eps, num_hidden_layers: layers } = config;
  const model = new Decoder(arch, options);
  const { graph } = model;
  const norm = (name: string): Value => model.parameter(`${name}.weight`, [width], nearOne);

  const embedding = model.parameter("model.embed_tokens.weight", [config.vocab_size, width], normal(0.02));
  const rotary = rotaryTables(model, config.rope_theta, headDimOf(config), config.rope_scaling);
  let stream = graph.scope("embed", () => ops.gather(embedding, model.inputIds));
  const first = norm("model.layers.0.input_layernorm");
  let normed = graph.scope("layers.0", () => ops.rmsNorm(stream, first, eps));
  for (let layer = 0; layer < layers; layer++)
    graph.scope(`layers.${layer}`, () => {
      const prefix = `model.layers.${layer}`;
      const mixed = graph.scope("attention", () => selfAttention(model, arch, config, layer, normed, rotary));
      const second = norm(`${prefix}.post_attention_layernorm`);
      const middle = ops.skipRmsNorm(stream, mixed, second, eps);
      const expanded = graph.scope("mlp", () => mlp(model, arch, config, `${prefix}.mlp`, middle.normed));
      const next = norm(layer + 1 === layers ? "model.norm" : `model.layers.${layer + 1}.input_layernorm`);
      const end = ops.skipRmsNorm(middle.sum, expanded, next, eps);
      stream = end.sum;
      normed = end.normed;
    });
  const head = config.tie_word_embeddings
    ? embedding
    : model.parameter("lm_head.weight", [config.vocab_size, width], normal(0.02));
  return model.finish(normed, head);
}

function selfAttention(
  model: Decoder,
  arch: GatedArch,
  config: GatedDecoderConfig,
  layer: number,
  x: Value,
  rotary: { cos: Value; sin: Value },
): Value {
  const { hidden_size: width, num_attention_heads: heads, num_key_value_heads: kvHeads } = config;
  const { fused, qkvBias } = GATED[arch];
  const headDim = headDimOf(config);
  const at = `model.layers.${layer}.self_attn`;
  const rows = { q_proj: heads * headDim, k_proj: kvHeads * headDim, v_proj: kvHeads * headDim };
  const parts = (kind: "weight" | "bias"): Part[] => {
    const part = (tensor: string, out: number): Part =>
      kind === "weight"
        ? { name: tensor, shape: [out, width], init: fanIn(width) }
        : { name: tensor, shape: [out], init: bias };
    const all = (heads + 2 * kvHeads) * headDim;
    return fused
      ? [part(`${at}.qkv_proj.${kind}`, all)]
      : Object.entries(rows).map(([proj, out]) => part(`${at}.${proj}.${kind}`, out));
  };
  const weight = model.stacked(`${at}.qkv_proj.weight`, parts("weight"));
  const qkv = qkvBias
    ? model.linear(x, weight, model.stackedVectors(`${at}.qkv_proj.bias`, parts("bias")))
    : model.linear(x, weight);
  const heard = attention(model, layer, qkv, { heads, kvHeads, headDim, scale: headDim ** -0.5 }, rotary);
  const inner = heads * headDim;
  return model.linear(heard, model.matrix(`${at}.o_proj.weight`, [width, inner], fanIn(inner)));
}

/** down(SiLU(gate x) ⊙ up x). */
function mlp(model: Decoder, arch: GatedArch, config: GatedDecoderConfig, at: string, x: Value): Value {
  const { hidden_size: width, intermediate_size: inner } = config;
  const part = (name: string, rows: number): Part => ({ name, shape: [rows, width], init: fanIn(width) });
  const both = `${at}.gate_up_proj.weight`;
  const parts = GATED[arch].fused
    ? [part(both, 2 * inner)]
    : ["gate_proj", "up_proj"].map((name) => part(`${at}.${name}.weight`, inner));
  const [gate, up] = model.products(x, both, parts, [{ rows: inner }, { rows: inner }]) as [Value, Value];
  const down = model.matrix(`${at}.down_proj.weight`, [width, inner], fanIn(inner));
  return model.linear(ops.mul(ops.silu(gate), up), down);
}
