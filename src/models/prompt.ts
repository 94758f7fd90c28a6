import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Seeded token ids for `batch` prompts of equal length. */
export function randomPrompt(tokens: number, batch: number, vocabulary: number, seed: number): BigInt64Array {
  const random = xoroshiro128plus(seed);
  return BigInt64Array.from({ length: batch * tokens }, () => BigInt(uniformInt(random, 0, vocabulary - 1)));
}
