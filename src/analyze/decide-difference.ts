import { UserError } from "../errors.js";
import {
  blockMedians,
  equivalenceP,
  holm,
  meanEstimate,
  meanP,
  median,
  medianInterval,
  medianRatioInterval,
  randomIndex,
  signFlipP,
  sortSamples,
  welchDifference,
  type MeanEstimate,
  type RandomIndex,
} from "../stats/index.js";
import { resamplingOf, type Resampling } from "./resampling.js";

/** When two settings are the same, and how sure a statement must be. */
export interface DifferenceOptions extends Resampling {
  /** Ratios from 1/(1 + this) to 1 + this are the same for all that matters. Default 0.02. */
  sameWithin?: number;
  /** Share of cases in which a statement may be wrong, over all comparisons together. Default 0.05. */
  alpha?: number;
}

/** The options with their defaults. */
export type SettledDifference = Required<DifferenceOptions>;

/** UserError for what makes no sense. */
export function differenceOptions(options: DifferenceOptions): SettledDifference {
  const { sameWithin = 0.02, alpha = 0.05 } = options;
  if (!(sameWithin > 0 && sameWithin < 1))
    throw new UserError(`sameWithin is ${sameWithin}: it must be between 0 and 1, such as 0.02 for 2 %`);
  if (!(alpha > 0 && alpha < 1))
    throw new UserError(`alpha is ${alpha}: it must be between 0 and 1, such as 0.05`);
  return { ...resamplingOf(options), sameWithin, alpha };
}

/** The samples of one metric of one cell, in the order taken, and of each its block; null where there are none. */
export interface BlockedSamples {
  readonly samples: readonly number[];
  readonly blocks: readonly unknown[];
}

/** How two cells differ, before it is seen among other comparisons. */
export interface Difference {
  /** Median of b over median of a; of paired blocks the median of their ratios. null where a's is 0. */
  readonly ratio: number | null;
  readonly ratio_lo: number | null;
  readonly ratio_hi: number | null;
  /** `blocks`: medians of shared blocks in pairs, by sign flips; `samples`: independent samples, by Welch's t of logarithms. */
  readonly method: "blocks" | "samples";
  /** Pairs of blocks, or the samples of the shorter side. */
  readonly n: number;
  /** That the two are no different; null for too few samples, or values that have no logarithm. */
  readonly p: number | null;
  /** That they differ by more than `sameWithin`. */
  readonly p_same: number | null;
}

/** What may be stated: `same` goes before `different`, as a difference that is sure may still be too small to matter. */
export interface DecidedDifference extends Difference {
  /** `p` and `p_same`, raised for the number of comparisons (Holm). */
  readonly p_holm: number | null;
  readonly p_same_holm: number | null;
  readonly verdict: "same" | "different" | "undecided";
}

/** Compares pairs of cells, and decides on each with all of them in mind. */
export function decideDifferences(
  pairs: readonly { readonly a: BlockedSamples; readonly b: BlockedSamples }[],
  options: SettledDifference,
): DecidedDifference[] {
  const random = randomIndex(options.seed);
  const found = pairs.map(({ a, b }) => differenceOf(a, b, options, random));
  const [different, same] = [
    holmOfKnown(found.map(({ p }) => p)),
    holmOfKnown(found.map(({ p_same }) => p_same)),
  ];
  return found.map((one, i) => {
    const [p_holm, p_same_holm] = [different[i]!, same[i]!];
    const below = (p: number | null): boolean => p !== null && p < options.alpha;
    return {
      ...one,
      p_holm,
      p_same_holm,
      verdict: below(p_same_holm) ? "same" : below(p_holm) ? "different" : "undecided",
    };
  });
}

function holmOfKnown(values: readonly (number | null)[]): (number | null)[] {
  const raised = holm(values.filter((p) => p !== null));
  let next = 0;
  return values.map((p) => (p === null ? null : raised[next++]!));
}

function differenceOf(
  a: BlockedSamples,
  b: BlockedSamples,
  options: SettledDifference,
  random: RandomIndex,
): Difference {
  const shared = sharedBlocks(a, b);
  return shared.length > 1 && isPositive([...a.samples, ...b.samples])
    ? ofBlocks(inBlocks(a, shared), inBlocks(b, shared), options)
    : ofSamples(a.samples, b.samples, options, random);
}

const isPositive = (values: readonly number[]): boolean => values.every((value) => value > 0);

function sharedBlocks(a: BlockedSamples, b: BlockedSamples): unknown[] {
  const ofB = new Set(b.blocks);
  return [...new Set(a.blocks)].filter((block) => block != null && ofB.has(block));
}

/** Medians of the blocks, in the order given. */
function inBlocks({ samples, blocks }: BlockedSamples, wanted: readonly unknown[]): number[] {
  return wanted.flatMap((block) => {
    const mine = samples.filter((_, i) => blocks[i] === block);
    return blockMedians(
      mine,
      mine.map(() => block),
    );
  });
}

function ofBlocks(a: readonly number[], b: readonly number[], options: SettledDifference): Difference {
  const ratios = b.map((value, i) => value / a[i]!);
  const logs = ratios.map(Math.log);
  return {
    ratio: median(ratios),
    ...ends(medianInterval(sortSamples(ratios), options.confidence)),
    method: "blocks",
    n: ratios.length,
    p: signFlipP(logs, { seed: options.seed }),
    p_same: sameP(meanEstimate(logs), options),
  };
}

function ofSamples(
  a: readonly number[],
  b: readonly number[],
  options: SettledDifference,
  random: RandomIndex,
): Difference {
  const n = Math.min(a.length, b.length);
  const below = median(a);
  const known = { ratio: below === 0 ? null : median(b) / below, method: "samples" as const, n };
  if (new Set([...a, ...b]).size === 1 && n > 1)
    return { ...known, ratio: 1, ratio_lo: 1, ratio_hi: 1, p: 1, p_same: 0 };
  if (n < 2 || !isPositive([...a, ...b]))
    return { ...known, ratio_lo: null, ratio_hi: null, p: null, p_same: null };
  const difference = welchDifference(meanEstimate(b.map(Math.log)), meanEstimate(a.map(Math.log)));
  const { confidence, replicates } = options;
  return {
    ...known,
    ...ends(medianRatioInterval(b, a, { confidence, replicates, random })),
    p: meanP(difference),
    p_same: sameP(difference, options),
  };
}

const sameP = (difference: MeanEstimate, { sameWithin }: SettledDifference): number =>
  equivalenceP(difference, Math.log1p(sameWithin));

const ends = (interval: [lo: number, hi: number] | null): Pick<Difference, "ratio_lo" | "ratio_hi"> => ({
  ratio_lo: interval?.[0] ?? null,
  ratio_hi: interval?.[1] ?? null,
});
