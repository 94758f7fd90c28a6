import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { UserError } from "../errors.js";

/** A document as a tokenizer sees it: what prompts are taken from instead of seeded random tokens. */
export interface TokenizedDocument {
  /** The file's name and the first digits of its SHA-256: `essay.txt 1f2e3d4c5b6a`. */
  readonly name: string;
  readonly ids: readonly number[];
}

/**
 * The tokens of a UTF-8 text file by a Hugging Face tokenizer.json, with the special tokens that it puts around a text
 * (Llama's first token), as transformers gives them. Throws UserError for a file that is no text, no tokenizer, or empty.
 */
export async function readDocument(path: string, tokenizerPath: string): Promise<TokenizedDocument> {
  for (const file of [path, tokenizerPath])
    if (!statSync(file).isFile()) throw new UserError(`${file} is no file`);
  const bytes = readFileSync(path);
  const text = decode(bytes, path);
  if (text === "") throw new UserError(`${path} is empty; a prompt needs at least one token`);
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 12);
  return { name: `${basename(path)} ${hash}`, ids: await tokenize(text, tokenizerPath) };
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new UserError(`${path} is not UTF-8 text; convert it first`);
  }
}

/** What is used of the package: its own types import files without their extension, which does not resolve. */
interface TokenizersModule {
  readonly Tokenizer: new (
    saved: object,
    config: object,
  ) => { encode(text: string): { readonly ids: number[] } };
}

async function tokenize(text: string, path: string): Promise<number[]> {
  const { Tokenizer } = (await import("@huggingface/tokenizers")) as unknown as TokenizersModule;
  try {
    const saved = JSON.parse(readFileSync(path, "utf8")) as object;
    return new Tokenizer(saved, {}).encode(text).ids;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== undefined) throw error;
    throw new UserError(
      `${path} is not a tokenizer.json that can be read: ${(error as Error).message}; take the file beside the model's weights`,
    );
  }
}
