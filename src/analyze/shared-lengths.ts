import { UserError } from "../errors.js";
import type { SampleSeries } from "./samples.js";
import { seriesLabel } from "./series-label.js";
import { byLength, type Sample } from "./weighting.js";

/** What two series measured at one length. Paired, a[i] and b[i] are of the same repeat. */
export interface SharedLength {
  length: number;
  a: number[];
  b: number[];
}

/**
 * Lengths that both series measured, in ascending order, with the values of each. Paired, a sample whose repeat the
 * other series lacks is left out; UserError if no length has a pair.
 */
export function sharedLengths(a: SampleSeries, b: SampleSeries, paired: boolean): SharedLength[] {
  const [inA, inB] = [byLength(a.points), byLength(b.points)];
  const both = [...inA.keys()].filter((length) => inB.has(length)).sort((p, q) => p - q);
  const shared = both.map((length): SharedLength => {
    const [ofA, ofB] = [inA.get(length)!, inB.get(length)!];
    if (paired) return { length, ...pairs(ofA, ofB) };
    return { length, a: ofA.map(({ value }) => value), b: ofB.map(({ value }) => value) };
  });
  const filled = shared.filter((one) => one.a.length > 0);
  if (filled.length === 0)
    throw new UserError(
      `${seriesLabel(a.series)} and ${seriesLabel(b.series)} have no ${paired ? "repeat of a length" : "length"} ` +
        `in common: without a curve samples are compared at equal ${paired ? "repeat and " : ""}prompt_tokens`,
    );
  return filled;
}

function pairs(a: readonly Sample[], b: readonly Sample[]): { a: number[]; b: number[] } {
  const found = a.flatMap((one) => {
    const other = one.repeat === undefined ? undefined : b.find(({ repeat }) => repeat === one.repeat);
    return other ? [[one.value, other.value] as const] : [];
  });
  return { a: found.map(([value]) => value), b: found.map(([, value]) => value) };
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
