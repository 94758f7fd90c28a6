import { TYPES, elements } from "../graph/index.js";
import { weightBytes } from "./weight-bytes.js";
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
    weights_bytes_fp16: weightBytes(model, { dtype: "float16" }),
    weights_bytes_int8: weightBytes(model, { dtype: "float16", quantized: { bits: 8, block: 32 } }),
    weights_bytes_int4: weightBytes(model, { dtype: "float16", quantized: { bits: 4, block: 32 } }),
    vocabulary: model.config.vocab_size,
    max_positions: maxPositions(model) ?? null,
    kv_cache_bytes_per_token: bytes(true),
    state_bytes: bytes(false),
    hf_id: model.hfId,
    source: model.source,
    provisional: model.provisional?.join(" ") ?? null,
  };
}
