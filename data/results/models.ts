import { REGISTRY } from "../../src/models/index.js";

const NAMES = REGISTRY.map(({ name }) => name);

/** The models that rows are of, each once, Transformers first, in the order of the registry. */
export const modelsOf = (rows: readonly { readonly model?: string | null }[]): string[] =>
  NAMES.filter((name) => rows.some(({ model }) => model === name));
