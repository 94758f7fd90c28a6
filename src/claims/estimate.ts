import { median, medianReplicates, percentileInterval, randomIndex } from "../stats/index.js";
import type { Span } from "./measure.js";

/** A value from samples, with how far it may be trusted. */
export interface Estimate {
  /** A number; of ranges, crossings and growth two. An open end is -Infinity or Infinity. */
  readonly value: number | Span;
  /**
   * 95 % interval from replicates of the samples' medians (see `medianReplicates`); null where a group has fewer than
   * `FEWEST`, or the value is no statistic of samples.
   */
  readonly interval: Span | null;
  /**
   * Of the longest prompts: from what ran to what did not, the latter excluded, which is how well it is known; null of
   * all else. An end is open where no failure was seen.
   */
  readonly bracket: Span | null;
  /** Samples of the group that has fewest. */
  readonly samples: number;
}

/** Samples of one length or task. */
export interface Group {
  readonly tokens: number | null;
  readonly task: string | null;
  readonly values: readonly number[];
}

const REPLICATES = 1000;

/** Fewer have an interval too wide to tell claims apart (of two samples Student's t is 12.7 standard errors). */
export const FEWEST = 5;

/** A statistic of the groups' medians, and its interval: each group is resampled by itself, as they were measured. */
export function estimate(
  groups: readonly Pick<Group, "values">[],
  statistic: (medians: readonly number[]) => number,
): Estimate {
  const samples = Math.min(...groups.map(({ values }) => values.length));
  const value = statistic(groups.map(({ values }) => median(values)));
  return { value, interval: samples < FEWEST ? null : intervalOf(groups, statistic), bracket: null, samples };
}

function intervalOf(
  groups: readonly Pick<Group, "values">[],
  statistic: (medians: readonly number[]) => number,
): Span | null {
  const random = randomIndex(1);
  const medians = groups.map(({ values }) => medianReplicates(values, { replicates: REPLICATES, random }));
  if (!medians.every((each) => each !== null)) return null;
  const replicates = Array.from({ length: REPLICATES }, (_, i) => statistic(medians.map((each) => each[i]!)));
  return replicates.every(Number.isFinite) ? percentileInterval(replicates, 0.95) : null;
}
