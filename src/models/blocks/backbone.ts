import { ops, type Value } from "../../graph/index.js";
import { Decoder, type BuildOptions, type ModelGraph } from "../decoder.js";
import { nearOne, normal } from "../init.js";
import { residualNorm } from "./residual.js";

interface BackboneConfig {
  readonly vocab_size: number;
  readonly hidden_size: number;
  readonly num_hidden_layers: number;
  readonly layer_norm_epsilon: number;
}

/**
 * What the Mamba models share: an embedding, layers of norm and mixer on a float32 residual stream, a final norm and
 * the embedding as head.
 *
 * @param mixer a layer's block: normed [batch, tokens, width] to what is added to the stream
 */
export function mambaBackbone(
  name: string,
  config: BackboneConfig,
  options: BuildOptions,
  mixer: (model: Decoder, layer: number, normed: Value) => Value,
): ModelGraph {
  const { hidden_size: width, layer_norm_epsilon: eps } = config;
  const model = new Decoder(name, options);
  const { graph } = model;
  const norm = (where: string): Value =>
    model.parameter(`backbone.${where}.weight`, [width], nearOne, { dtype: "float32" });

  const embedding = model.parameter("backbone.embeddings.weight", [config.vocab_size, width], normal(0.02));
  let stream = graph.scope("embed", () => ops.cast(ops.gather(embedding, model.inputIds), "float32"));
  let delta: Value | undefined;
  for (let layer = 0; layer < config.num_hidden_layers; layer++)
    graph.scope(`layers.${layer}`, () => {
      const { sum, normed } = residualNorm(stream, delta, norm(`layers.${layer}.norm`), eps, options);
      stream = sum;
      delta = graph.scope("mixer", () => mixer(model, layer, normed));
    });
  return model.finish(residualNorm(stream, delta, norm("norm_f"), eps, options).normed, embedding);
}
