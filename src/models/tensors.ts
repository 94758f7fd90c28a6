import type { Part, WeightSpec } from "./decoder.js";
import { buildModel, type Model } from "./registry.js";

/** What a model's graphs hold. The tensors of the checkpoint that they are made of are the same whatever the options. */
export const weightsOf = (model: Model): readonly WeightSpec[] =>
  buildModel(model, {
    dtype: "float32",
    lowering: "linear-attention",
    logits: "last",
    positions: 1,
    tokensMultipleOf: 1,
    separateProducts: false,
  }).weights;

/** The tensors that a checkpoint of the model has. */
export const tensorsOf = (model: Model): readonly Part[] =>
  weightsOf(model).flatMap((weight) => (weight.role === "parameter" ? weight.parts : []));
