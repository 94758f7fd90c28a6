import { ops, type Value } from "../graph/index.js";
import { attention } from "./blocks/attention.js";
import { Decoder, type BuildOptions, type ModelGraph } from "./decoder.js";
import { bias, fanIn, nearOne, normal } from "./init.js";

/** config.json of GPT-Neo, in Hugging Face's key names. */
export interface GptNeoConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly num_layers: number;
  readonly num_heads: number;
  /** null means 4 · hidden_size. */
  readonly intermediate_size: number | null;
  readonly max_position_embeddings: number;
  readonly window_size: number;
  readonly attention_layers: readonly ("global" | "local")[];
  readonly layer_norm_epsilon: number;
}

/**
 * GPT-Neo: learned positions, LayerNorm with bias, attention whose scores are not scaled and which alternates between
 * the whole past and a window, GELU (tanh form) MLP, tied head. Source: transformers modeling_gpt_neo.
 */
export function buildGptNeo(config: GptNeoConfig, options: BuildOptions): ModelGraph {
  const { hidden_size: width, num_heads: heads, layer_norm_epsilon: eps } = config;
  const inner = config.intermediate_size ?? 4 * width;
  // GPT-Neo does not scale q·k by 1/√headDim, its trained weights do: with unscaled random ones every softmax is a choice
  // between two keys, and float16 turns it another way.
  const unitScores = (width / heads) ** -0.25 / Math.sqrt(width);
  const model = new Decoder("gpt_neo", options);
  const { graph } = model;
  const norm = (name: string) => ({
    weight: model.parameter(`${name}.weight`, [width], nearOne),
    bias: model.parameter(`${name}.bias`, [width], bias),
  });

  const embedding = model.parameter("transformer.wte.weight", [config.vocab_size, width], normal(0.02));
  let stream = graph.scope("embed", () => {
    const table = model.parameter(
      "transformer.wpe.weight",
      [config.max_position_embeddings, width],
      normal(0.02),
    );
    // The last position less the tokens that follow. Counted from the shape it would be computed on the CPU, and a decode
    // step that leaves the GPU cannot be captured.
    const ones = ops.cast(ops.equal(model.inputIds, model.inputIds), "int64");
    const last = ops.unsqueeze(ops.cast(model.position.last, "int64"), 1);
    const positions = ops.sub(last, ops.sumAfter(ones, 1));
    const known = clampPositions(positions, options.positions, config.max_position_embeddings);
    return ops.add(ops.gather(embedding, model.inputIds), ops.gather(table, known));
  });

  const first = norm("transformer.h.0.ln_1");
  let normed = graph.scope("layers.0", () => ops.layerNorm(stream, first.weight, first.bias, eps));
  for (let layer = 0; layer < config.num_layers; layer++)
    graph.scope(`layers.${layer}`, () => {
      const prefix = `transformer.h.${layer}`;
      const mixed = graph.scope("attention", () => {
        const linearPart = (name: string) => ({
          name: `${prefix}.attn.attention.${name}.weight`,
          shape: [width, width],
          init: name === "v_proj" ? fanIn(width) : normal(unitScores),
        });
        const qkv = model.linear(
          normed,
          model.stacked(
            `${prefix}.attn.attention.qkv_proj.weight`,
            ["q_proj", "k_proj", "v_proj"].map(linearPart),
          ),
        );
        const window = config.attention_layers[layer] === "local" ? { window: config.window_size } : {};
        const heard = attention(model, layer, qkv, {
          heads,
          kvHeads: heads,
          headDim: width / heads,
          scale: 1,
          ...window,
        });
        const out = `${prefix}.attn.attention.out_proj`;
        return model.linear(
          heard,
          model.matrix(`${out}.weight`, [width, width], fanIn(width)),
          model.parameter(`${out}.bias`, [width], bias),
        );
      });
      const second = norm(`${prefix}.ln_2`);
      const middle = ops.skipLayerNorm(stream, mixed, second.weight, second.bias, eps);
      const expanded = graph.scope("mlp", () => {
        const up = model.linear(
          middle.normed,
          model.matrix(`${prefix}.mlp.c_fc.weight`, [inner, width], fanIn(width)),
        );
        const active = ops.geluTanh(up, model.parameter(`${prefix}.mlp.c_fc.bias`, [inner], bias));
        return model.linear(
          active,
          model.matrix(`${prefix}.mlp.c_proj.weight`, [width, inner], fanIn(inner)),
          model.parameter(`${prefix}.mlp.c_proj.bias`, [width], bias),
        );
      });
      const next = norm(
        layer + 1 < config.num_layers ? `transformer.h.${layer + 1}.ln_1` : "transformer.ln_f",
      );
      const end = ops.skipLayerNorm(middle.sum, expanded, next.weight, next.bias, eps);
      stream = end.sum;
      normed = end.normed;
    });
  return model.finish(normed, embedding);
}

/** Learned positions end: a sequence that goes on (its speed is right, its text would not be) repeats the last one. */
function clampPositions(positions: Value, wanted: number, known: number): Value {
  return wanted <= known
    ? positions
    : ops.min(positions, positions.graph.constant("int64", [1], [known - 1]));
}
