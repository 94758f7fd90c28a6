import { memoryLimit, memoryNeeded } from "../../src/analyze/index.js";
import type { Row } from "../../src/record/schema.js";

const GIB = 2 ** 30;

interface MemoryScenario {
  name: string;
  lengths: readonly number[];
  /** Bytes of activations over the length. */
  activations: (length: number) => number;
  more?: Row;
}

const FIVE = [1024, 2048, 4096, 8192, 16384];
const EIGHT = [...FIVE, 3072, 6144, 12288].sort((p, q) => p - q);
const LINEAR = (length: number): number => 2e8 + 3e4 * length;
const QUADRATIC = (length: number): number => 2e8 + 3e4 * length + 0.5 * length ** 2;

const SCENARIOS: readonly MemoryScenario[] = [
  { name: "memory, quadratic, 5 lengths", lengths: FIVE, activations: QUADRATIC },
  { name: "memory, quadratic, 8 lengths", lengths: EIGHT, activations: QUADRATIC },
  { name: "memory, linear (c at its bound), 5 lengths", lengths: FIVE, activations: LINEAR },
  { name: "memory, linear (c at its bound), 8 lengths", lengths: EIGHT, activations: LINEAR },
  {
    name: "memory, segments of 2048",
    lengths: EIGHT,
    activations: (length) => 2e8 + 3e4 * Math.min(length, 2048) + 1e3 * length,
    more: { prefill: "chunked", segment_tokens: 2048 },
  },
];

/** Standard deviation of activations in bytes. */
const NOISE = 4e6;
const WEIGHTS = 1.2 * GIB;
const CACHE = 12288;

/** Where intervals are checked: inside, and half as far again as was measured. */
const BETWEEN = 10_000;
const BEYOND = 24_000;

/**
 * How often nominal 95 % intervals of `memoryNeeded` hold one more run's bytes, and those of `memoryLimit` the longest
 * length that such a run fits with, by scenario.
 */
export function memoryCoverage(
  only: string,
  { sets, replicates, normal }: { sets: number; replicates: number; normal: () => number },
): { name: string; shares: Map<string, number> }[] {
  return SCENARIOS.filter(({ name }) => name.includes(only)).map(({ name, lengths, activations, more }) => {
    const held = new Map<string, number>();
    const count = (of: string, truth: number, lo: unknown, hi: unknown): void => {
      const isHeld = (lo as number) <= truth && truth <= (hi as number);
      held.set(of, (held.get(of) ?? 0) + (isHeld ? 1 / sets : 0));
    };
    for (let set = 0; set < sets; set++) {
      const rows = lengths.map((length): Row => ({
        model: "m",
        prompt_tokens: length,
        weights_bytes: WEIGHTS,
        kv_cache_bytes: CACHE * length,
        peak_activation_bytes: activations(length) + NOISE * normal(),
        ...more,
      }));
      const settings = { replicates, seed: set };
      const expected = (length: number): number => WEIGHTS + CACHE * length + activations(length);
      const needed = memoryNeeded(rows, { promptTokens: [BETWEEN, BEYOND], ...settings });
      for (const [i, length] of [BETWEEN, BEYOND].entries()) {
        const [lo, hi] = ["needed_bytes_lo", "needed_bytes_hi"].map((name): unknown => needed.get(name, i));
        count(`needed at ${length}`, expected(length) + NOISE * normal(), lo, hi);
      }
      // The run whose longest length is asked for has a deviation of its own.
      const memoryBytes = expected(BEYOND) + NOISE * normal();
      const limit = memoryLimit(rows, { memoryBytes, ...settings });
      const [lo, hi] = ["predicted_tokens_lo", "predicted_tokens_hi"].map((name): unknown =>
        limit.get(name, 0),
      );
      count(`limit at ${BEYOND}`, BEYOND, lo, hi ?? Infinity);
    }
    return { name, shares: held };
  });
}
