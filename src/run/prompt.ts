import { UserError } from "../errors.js";
import { randomPrompt } from "../models/index.js";
import type { TokenizedDocument } from "./document.js";
import type { AnyCell, ModelFacts } from "./plan.js";

/** The prompt of a cell that is taken from a document. */
export interface DocumentPrompt {
  /** The document's. */
  readonly name: string;
  readonly ids: readonly number[];
}

/**
 * The first tokens of a document as a model's prompt; nothing without a document. Throws UserError where there are too few,
 * or where the model has no such token.
 */
export function promptFrom(
  document: TokenizedDocument | undefined,
  tokens: number,
  model: Pick<ModelFacts, "name" | "config">,
): { prompt?: DocumentPrompt } {
  if (!document) return {};
  const { name } = document;
  if (document.ids.length < tokens)
    throw new UserError(
      `the prompt length is ${tokens}, but ${name} has ${document.ids.length} tokens; choose at most as many`,
    );
  const ids = document.ids.slice(0, tokens);
  const { vocab_size } = model.config;
  const foreign = ids.find((id) => id >= vocab_size);
  if (foreign !== undefined)
    throw new UserError(
      `${name} has token ${foreign}, but the vocabulary of ${model.name} ends at ${vocab_size - 1}; give the model's own tokenizer.json (--tokenizer)`,
    );
  return { prompt: { name, ids } };
}

/** The prompt of every row of a batch: a document's tokens, the same for all, or seeded ones. */
export function promptOf({ prompt, promptTokens, batch, model, seed }: AnyCell): BigInt64Array {
  if (!prompt) return randomPrompt(promptTokens, batch, model.config.vocab_size, seed);
  return BigInt64Array.from({ length: batch * promptTokens }, (_, i) =>
    BigInt(prompt.ids[i % promptTokens]!),
  );
}
