import type { WeightSpec } from "./decoder.js";
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

/** The shapes of the tensors that a checkpoint of the model has, by their published names. */
export const tensorsOf = (model: Model): ReadonlyMap<string, readonly number[]> =>
  new Map(
    weightsOf(model).flatMap((weight) =>
      weight.role === "parameter" ? weight.parts.map(({ name, shape }) => [name, shape] as const) : [],
    ),
  );
