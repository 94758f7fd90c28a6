import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Draws a whole number from 0 up to, not including, `count`. */
export type RandomIndex = (count: number) => number;

/** Outputs thrown away at the start: the first ones are the seed itself, barely mixed. */
const DISCARDED = 64;

/** A reproducible source of indices (xoroshiro128+). `seed` is a whole number of 32 bits. */
export function randomIndex(seed: number): RandomIndex {
  if (!Number.isInteger(seed)) throw new RangeError(`seed is ${seed}: it must be a whole number`);
  const generator = xoroshiro128plus(seed);
  for (let i = 0; i < DISCARDED; i++) generator.next();
  return (count) => uniformInt(generator, 0, count - 1);
}

/** Draws from the standard normal distribution (Box and Muller 1958), two from two indices. */
export function normalFrom(random: RandomIndex): () => number {
  const uniform = (): number => (random(2 ** 30) + 0.5) / 2 ** 30;
  let kept: number | null = null;
  return () => {
    if (kept !== null) {
      const second = kept;
      kept = null;
      return second;
    }
    const radius = Math.sqrt(-2 * Math.log(uniform()));
    const angle = 2 * Math.PI * uniform();
    kept = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}
