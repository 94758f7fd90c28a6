import { TYPES, elements } from "../graph/index.js";
import { buildModel, maxPositions, REGISTRY, type Model } from "./registry.js";

/** The registry as records. */
export const registryRows = () => REGISTRY.map(modelRow);

/** What is known of a model before anything is measured. */
export function modelRow(model: Model) {
  const { caches } = buildModel(model, {
    dtype: "float16",
    lowering: "linear-attention",
    logits: "last",
    positions: 1,
    tokensMultipleOf: 1,
    separateProducts: false,
  });
  const bytes = (inPlace: boolean): number =>
    caches
      .filter((cache) => cache.inPlace === inPlace)
      .reduce((sum, { shape }) => sum + elements(shape(1, 1)) * TYPES.float16.bytes, 0);
  return {
    model: model.name,
    family: model.family,
    arch: model.arch,
    parameters: model.parameters,
    vocabulary: model.config.vocab_size,
    max_positions: maxPositions(model) ?? null,
    kv_cache_bytes_per_token: bytes(true),
    state_bytes: bytes(false),
    hf_id: model.hfId,
    source: model.source,
    provisional: model.provisional?.join(" ") ?? null,
  };
}
