import { ops, type Value } from "../graph/index.js";
import { attention, rotaryTables } from "./blocks/attention.js";
import { Decoder, type BuildOptions, type ModelGraph } from "./decoder.js";
import { bias, fanIn, nearOne, normal } from "./init.js";

/** config.json of Qwen2, in Hugging Face's key names. */
export interface Qwen2Config {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly num_attention_heads: number;
  readonly num_key_value_heads: number;
  readonly intermediate_size: number;
  readonly max_position_embeddings: number;
  readonly rms_norm_eps: number;
  readonly rope_theta: number;
  readonly tie_word_embeddings: boolean;
}

/**
 * Qwen2 and Qwen2.5: RMSNorm, grouped-query attention with rotary positions and biases on q, k and v, gated SiLU MLP.
 * Source: transformers modeling_qwen2. The sliding-window keys of config.json are switched off in the published models.
 */
export function buildQwen2(config: Qwen2Config, options: BuildOptions): ModelGraph {
  const {
    hidden_size: width,
    num_attention_heads: heads,
    num_key_value_heads: kvHeads,
    rms_norm_eps: eps,
  } = config;
  const { intermediate_size: inner } = config;
  const headDim = width / heads;
  const model = new Decoder("qwen2", options);
  const { graph } = model;

  const embedding = model.parameter("model.embed_tokens.weight", [config.vocab_size, width], normal(0.02));
  const rotary = rotaryTables(model, config.rope_theta, headDim);
  let stream = graph.scope("embed", () => ops.gather(embedding, model.inputIds));
  const first = model.parameter("model.layers.0.input_layernorm.weight", [width], nearOne);
  let normed = graph.scope("layers.0", () => ops.rmsNorm(stream, first, eps));
  for (let layer = 0; layer < config.num_hidden_layers; layer++)
    graph.scope(`layers.${layer}`, () => {
      const prefix = `model.layers.${layer}`;
      const mixed = graph.scope("attention", () => {
        const rows = { q_proj: heads * headDim, k_proj: kvHeads * headDim, v_proj: kvHeads * headDim };
        const parts = Object.entries(rows).map(([name, out]) => ({
          name: `${prefix}.self_attn.${name}`,
          out,
        }));
        const qkv = ops.linear(
          normed,
          model.stacked(
            `${prefix}.self_attn.qkv_proj.weight`,
            parts.map(({ name, out }) => ({
              name: `${name}.weight`,
              shape: [out, width],
              init: fanIn(width),
            })),
          ),
          model.stacked(
            `${prefix}.self_attn.qkv_proj.bias`,
            parts.map(({ name, out }) => ({ name: `${name}.bias`, shape: [out], init: bias })),
          ),
        );
        const heard = attention(
          model,
          layer,
          qkv,
          { heads, kvHeads, headDim, scale: headDim ** -0.5 },
          rotary,
        );
        return ops.linear(
          heard,
          model.parameter(
            `${prefix}.self_attn.o_proj.weight`,
            [width, heads * headDim],
            fanIn(heads * headDim),
          ),
        );
      });
      const second = model.parameter(`${prefix}.post_attention_layernorm.weight`, [width], nearOne);
      const middle = ops.skipRmsNorm(stream, mixed, second, eps);
      const expanded = graph.scope("mlp", () => {
        const [gate, up] = model.products(
          middle.normed,
          `${prefix}.mlp.gate_up_proj.weight`,
          ["gate_proj", "up_proj"].map((name) => ({
            name: `${prefix}.mlp.${name}.weight`,
            shape: [inner, width],
            init: fanIn(width),
          })),
        ) as [Value, Value];
        return ops.linear(
          ops.mul(ops.silu(gate), up),
          model.parameter(`${prefix}.mlp.down_proj.weight`, [width, inner], fanIn(inner)),
        );
      });
      const last = layer + 1 === config.num_hidden_layers;
      const next = model.parameter(
        last ? "model.norm.weight" : `model.layers.${layer + 1}.input_layernorm.weight`,
        [width],
        nearOne,
      );
      const end = ops.skipRmsNorm(middle.sum, expanded, next, eps);
      stream = end.sum;
      normed = end.normed;
    });
  const head = config.tie_word_embeddings
    ? embedding
    : model.parameter("lm_head.weight", [config.vocab_size, width], normal(0.02));
  return model.finish(normed, head);
}
