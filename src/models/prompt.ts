import { prefixTokens, type Model } from "./registry.js";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Seeded token ids for `batch` prompts of equal length. */
export function randomPrompt(tokens: number, batch: number, vocabulary: number, seed: number): BigInt64Array {
  const random = xoroshiro128plus(seed);
  return BigInt64Array.from({ length: batch * tokens }, () => BigInt(uniformInt(random, 0, vocabulary - 1)));
}

/** `batch` rows of ids, each with the model's own tokens in front, whose ids follow the vocabulary. */
export function withPrefix(model: Model, rows: BigInt64Array, batch: number): BigInt64Array {
  const prefix = prefixTokens(model);
  if (prefix === 0) return rows;
  const own = BigInt64Array.from({ length: prefix }, (_, i) => BigInt(model.config.vocab_size + i));
  const length = rows.length / batch;
  const out = new BigInt64Array(batch * (prefix + length));
  for (let row = 0; row < batch; row++) {
    out.set(own, row * (prefix + length));
    out.set(rows.subarray(row * length, (row + 1) * length), row * (prefix + length) + prefix);
  }
  return out;
}
