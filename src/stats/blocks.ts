import { medianInterval } from "./median-interval.js";
import { median, sortSamples } from "./quantile.js";

/**
 * Medians of the samples of each block, in the order of the blocks' first appearance. Samples of one block were taken at one
 * time and share its conditions, so a block is what a mean over time may count as one reading.
 */
export function blockMedians(samples: readonly number[], blocks: readonly unknown[]): number[] {
  if (samples.length !== blocks.length)
    throw new RangeError(`${samples.length} samples and ${blocks.length} blocks: each sample has one block`);
  const members = new Map<unknown, number[]>();
  samples.forEach((sample, i) => members.set(blocks[i], [...(members.get(blocks[i]) ?? []), sample]));
  return [...members.values()].map((of) => median(of));
}

/** What several blocks say of a median. */
export interface BlockedMedian {
  /** Of the medians of the blocks. */
  readonly median: number;
  /** `medianInterval` of the medians of the blocks; null where there is none, or one block alone. */
  readonly interval: [lo: number, hi: number] | null;
  readonly blocks: number;
}

/**
 * The median of the medians of blocks: its interval holds over the times at which the machine was visited, where an interval
 * of all samples together would count every block's conditions as often as it was sampled.
 */
export function blockedMedian(
  samples: readonly number[],
  blocks: readonly unknown[],
  confidence = 0.95,
): BlockedMedian {
  const medians = blockMedians(samples, blocks);
  const interval = medians.length > 1 ? medianInterval(sortSamples(medians), confidence) : null;
  return { median: median(medians), interval, blocks: medians.length };
}
