import { breakEvenBatch } from "../../src/analyze/index.js";
import type { Row } from "../../src/record/schema.js";
import { medianInterval, medianRatioInterval, randomIndex, sortSamples } from "../../src/stats/index.js";

/** Samples of a population whose median is 1, from normal numbers. */
const POPULATIONS = {
  normal: (z: number) => 1 + 0.02 * z,
  lognormal: (z: number) => Math.exp(0.2 * z),
  // Half of a normal squared and its like: an exponential number, with its median of ln 2.
  exponential: (z: number, other: number) => (z ** 2 + other ** 2) / 2 / Math.LN2,
};

const SIZES = [2, 3, 5, 6, 7, 10, 20];
const BATCHES = [1, 2, 4, 8];

/**
 * How often 95 % intervals of a median and of the ratio of two hold the truth, by population and number of samples;
 * and how often `breakEvenBatch` calls neither of two equal sides better.
 */
export function medianCoverage(
  only: string,
  { sets, replicates, normal }: { sets: number; replicates: number; normal: () => number },
): { name: string; shares: Map<string, number> }[] {
  const random = randomIndex(1);
  return Object.entries(POPULATIONS).flatMap(([name, population]) => {
    if (!`medians, ${name}`.includes(only)) return [];
    const sample = (size: number): number[] =>
      Array.from({ length: size }, () => population(normal(), normal()));
    const shares = new Map<string, number>();
    const count = (of: string, isSo: boolean): void => {
      shares.set(of, (shares.get(of) ?? 0) + (isSo ? 1 / sets : 0));
    };
    const holdsOne = (interval: readonly [number, number] | null): boolean =>
      interval !== null && interval[0] <= 1 && interval[1] >= 1;
    for (const size of SIZES)
      for (let set = 0; set < sets; set++) {
        count(`median of ${size}`, holdsOne(medianInterval(sortSamples(sample(size)))));
        const settings = { replicates, confidence: 0.95, random };
        count(`ratio of ${size}`, holdsOne(medianRatioInterval(sample(size), sample(size), settings)));
        if (name !== "normal" || size > 10) continue;
        const sides = ["a", "b"].flatMap((model) =>
          BATCHES.flatMap((batch) => sample(size).map((tpot_ms): Row => ({ model, batch, tpot_ms }))),
        );
        const found = breakEvenBatch(sides, { a: "a", b: "b", replicates, seed: set });
        count(`no winner of ${size}`, found.get("state", 0) === "not-separable");
      }
    return [{ name: `medians, ${name}`, shares }];
  });
}
