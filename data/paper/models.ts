import type { Published } from "./cells.js";

/** The registry's name of a published checkpoint and the precision the artifact loaded it in. */
export type Models = (hfId: string) => { model: string; dtype: string };

interface RegistryEntry {
  id: string;
  hf_id: string;
  variants: { hf_id: string }[];
}

/** Published, but no architecture of ours: its weights are quantized, so it must not join the plain model's rows. */
const NOT_IN_REGISTRY: Record<string, string> = {
  "Qwen/Qwen2.5-0.5B-Instruct-GPTQ-Int4": "qwen2.5-0.5b-gptq-int4",
};

/**
 * Registry names drop what changes no shape (`-instruct`, `-base`, `-chat-v1.0`): a published row and a row of ours
 * join by `model`. A checkpoint belongs to the entry of models.json that names it as its own or as a variant.
 */
export function modelsOf(published: Published[], registryJson: string): Models {
  const registry = JSON.parse(registryJson) as RegistryEntry[];
  const names = new Map(Object.entries(NOT_IN_REGISTRY));
  for (const { id, hf_id, variants } of registry)
    for (const checkpoint of [hf_id, ...variants.map((variant) => variant.hf_id)]) names.set(checkpoint, id);
  // "bf16 (checkpoint auto)", "fp16 (cast after load)", "int4 gptq weights"
  const dtypes = new Map(published.map((row) => [row.hf_id, row.dtype_in_artifact!.split(" ")[0]!]));
  return (hfId) => {
    const model = names.get(hfId);
    const dtype = dtypes.get(hfId);
    if (model === undefined || dtype === undefined)
      throw new Error(`models.json or models.csv lacks the checkpoint ${hfId}`);
    return { model, dtype };
  };
}
