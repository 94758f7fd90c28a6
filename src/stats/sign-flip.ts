import { randomIndex, type RandomIndex } from "./random.js";

/** Up to so many pairs every sign pattern is tried: 2^16 of them. */
const EXACT_UP_TO = 16;

/** How the patterns are drawn where there are too many to try. */
export interface SignFlipOptions {
  /** Default 10 000. */
  replicates?: number;
  /** Default 1. */
  seed?: number | RandomIndex;
}

/**
 * Two-sided p that differences of pairs scatter alike above and below 0: the share of sign patterns whose mean is at least as
 * far from 0 (Fisher 1935, section 21). It is exact for up to 16 pairs, where it cannot fall below 2^(1−n): 0.0625 for five
 * pairs, 0.031 for six. Of more, patterns are drawn, and the one observed is counted with them (Phipson and Smyth 2010,
 * doi:10.2202/1544-6115.1585).
 *
 * RangeError for no difference.
 */
export function signFlipP(
  differences: readonly number[],
  { replicates = 10_000, seed = 1 }: SignFlipOptions = {},
): number {
  const n = differences.length;
  if (n === 0) throw new RangeError("no pairs: a comparison needs at least one difference");
  const total = differences.reduce((sum, value) => sum + value, 0);
  const size = differences.reduce((sum, value) => sum + Math.abs(value), 0);
  // Sums of the same terms in another order differ in their last bits.
  const observed = Math.abs(total) - 1e-12 * size;
  if (n <= EXACT_UP_TO) return countPatterns(differences, total, observed) / 2 ** n;
  const random = typeof seed === "number" ? randomIndex(seed) : seed;
  let extreme = 1;
  for (let i = 0; i < replicates; i++) {
    const sum = differences.reduce((so, value) => so + (random(2) === 0 ? value : -value), 0);
    if (Math.abs(sum) >= observed) extreme++;
  }
  return extreme / (replicates + 1);
}

/** Patterns whose sum is at least as far from 0, in the order of a Gray code, which flips one sign at a time. */
function countPatterns(differences: readonly number[], total: number, observed: number): number {
  const signs = differences.map(() => 1);
  let [sum, extreme] = [total, 1];
  for (let step = 1; step < 2 ** differences.length; step++) {
    const flipped = 31 - Math.clz32(step & -step);
    signs[flipped]! *= -1;
    sum += 2 * signs[flipped]! * differences[flipped]!;
    if (Math.abs(sum) >= observed) extreme++;
  }
  return extreme;
}
