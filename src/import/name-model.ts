import type { Row } from "../record/index.js";

/** What is known of a model of the registry. */
export interface KnownModel {
  readonly name: string;
  readonly hfId: string;
  readonly family: string;
  readonly parameters: number;
}

/**
 * A row under the registry's name of its model, so that it joins ours; names drop what changes no shape (-Instruct, -v2, -hf).
 * A model that the registry does not know keeps the name of the file.
 */
export function nameModel(row: Row, models: readonly KnownModel[]): Row {
  const wanted = shape(row.hf_id ?? row.model ?? "");
  const known = models.find(({ name, hfId }) => shape(name) === wanted || shape(hfId) === wanted);
  if (!known) return { ...row, model: row.model?.split("/").at(-1) ?? null };
  return {
    ...row,
    model: known.name,
    hf_id: row.hf_id ?? known.hfId,
    family: known.family,
    parameters: row.parameters ?? known.parameters,
  };
}

/** Qwen/Qwen2.5-0.5B-Instruct, qwen2.5-0.5b: one shape. */
const shape = (name: string): string =>
  name
    .split("/")
    .at(-1)!
    .toLowerCase()
    .replaceAll("_", "-")
    .replace(/(-(instruct|base|chat|it|hf|v\d+(\.\d+)*))+$/, "");
