import { UserError } from "../errors.js";
import { tensorsOf, type Model, type Part } from "../models/index.js";
import type { Checkpoint, StoredTensor } from "./checkpoint.js";
import { STORED, type StoredFloat } from "./convert.js";

/** A stored tensor of a type that weights may have. */
export type StoredWeight = StoredTensor & { readonly dtype: StoredFloat };

/**
 * The stored tensor of each one that the model has, by its published name. Tied tensors may be stored under one of their
 * names or several; all must have the shape, and the first name's is taken where it is there. What is missing, not known, wrongly shaped or
 * of a wrong type is a UserError that names all kinds of it at once.
 */
export function matchTensors(checkpoint: Checkpoint, model: Model): Map<string, StoredWeight> {
  const parts = tensorsOf(model);
  const expected = new Map(parts.flatMap((part) => namesOf(part).map((name) => [name, part.shape] as const)));
  const found = new Map<string, StoredWeight>();
  const problems = {
    missing: [] as string[],
    unknown: [] as string[],
    shape: [] as string[],
    type: [] as string[],
  };
  for (const stored of checkpoint.tensors.values()) {
    const name = publishedName(stored.name, expected, model);
    const shape = expected.get(name);
    if (!shape) {
      if (!isIgnored(name, expected)) problems.unknown.push(stored.name);
    } else if (found.has(name)) problems.unknown.push(`${stored.name} (beside ${found.get(name)!.name})`);
    else {
      if (shape.join() !== stored.shape.join())
        problems.shape.push(
          `${stored.name} is [${stored.shape.join(", ")}] instead of [${shape.join(", ")}]`,
        );
      if (!isWeight(stored)) problems.type.push(`${stored.name} is ${stored.dtype}`);
      found.set(name, stored as StoredWeight);
    }
  }
  const chosen = new Map<string, StoredWeight>();
  for (const part of parts) {
    const name = namesOf(part).find((one) => found.has(one));
    if (name === undefined) problems.missing.push(part.name);
    else chosen.set(part.name, found.get(name)!);
  }
  const said = [
    some(problems.missing, (count) => `${tensors(count)} missing`),
    some(problems.unknown, (count) => `${tensors(count)} not of this model`),
    some(problems.shape, (count) => `${tensors(count)} of another shape`),
    some(
      problems.type,
      (count) => `${tensors(count)} of a type other than ${Object.keys(STORED).join(", ")}`,
    ),
  ].filter((problem) => problem !== null);
  if (said.length === 0) return chosen;
  throw new UserError(`the checkpoint ${checkpoint.folder} does not fit ${model.name}: ${said.join("; ")}`);
}

const namesOf = ({ name, aliases = [] }: Part): readonly string[] => [name, ...aliases];

const isWeight = (stored: StoredTensor): stored is StoredWeight => Object.hasOwn(STORED, stored.dtype);

const tensors = (count: number): string => (count === 1 ? "1 tensor is" : `${count} tensors are`);

/** How many names an error spells out. */
const SPELLED_OUT = 3;

function some(names: readonly string[], kind: (count: number) => string): string | null {
  if (names.length === 0) return null;
  const more = names.length > SPELLED_OUT ? `, and ${names.length - SPELLED_OUT} more` : "";
  return `${kind(names.length)} (${names.slice(0, SPELLED_OUT).join(", ")}${more})`;
}

/** base_model_prefix of the architecture in transformers: a base model that was saved alone has names without it. */
const BASE_PREFIX: Partial<Record<Model["arch"], string>> = {
  gpt_neo: "transformer.",
  mamba: "backbone.",
  mamba2: "backbone.",
};

/** The name that transformers would load a tensor under (core_model_loading.rename_source_key, MambaModel.load_hook). */
function publishedName(stored: string, expected: ReadonlyMap<string, unknown>, { arch }: Model): string {
  const prefix = BASE_PREFIX[arch] ?? "model.";
  // state-spaces' own checkpoints.
  const name = prefix === "backbone." ? stored.replace(/(^|\.)embedding\./, "$1embeddings.") : stored;
  const bare = name.startsWith(prefix) ? name.slice(prefix.length) : name;
  return [bare, prefix + name].find((one) => expected.has(one)) ?? name;
}

/** Rotary frequencies and masks, which old versions saved and none reads; a head that is the embedding. */
function isIgnored(name: string, expected: ReadonlyMap<string, unknown>): boolean {
  const tied = name === "lm_head.weight" && !expected.has("lm_head.weight");
  return tied || /(^|\.)rotary_emb\.inv_freq$|(^|\.)attn\.attention\.(bias|masked_bias)$/.test(name);
}
