import { median, percentileInterval, randomIndex } from "../stats/index.js";
import type { Span } from "./measure.js";

/** A value from samples, with how far it may be trusted. */
export interface Estimate {
  /** A number; of ranges, crossings and growth two. An open end is 0 or Infinity. */
  readonly value: number | Span;
  /** 95 % percentile bootstrap interval over the samples; null where a group has only one, or the value is a range. */
  readonly interval: Span | null;
  /** Samples of the group that has fewest. */
  readonly samples: number;
}

/** Samples of one length or task. */
export interface Group {
  readonly tokens: number | null;
  readonly values: readonly number[];
}

const REPLICATES = 1000;

/** A statistic of the groups' medians, and its interval: each group is resampled by itself, as they were measured. */
export function estimate(
  groups: readonly Group[],
  statistic: (medians: readonly number[]) => number,
): Estimate {
  const samples = Math.min(...groups.map(({ values }) => values.length));
  const value = statistic(groups.map(({ values }) => median(values)));
  if (samples < 2) return { value, interval: null, samples };
  const random = randomIndex(1);
  const resampled = (values: readonly number[]): number =>
    median(values.map(() => values[random(values.length)]!));
  const replicates = Array.from({ length: REPLICATES }, () =>
    statistic(groups.map(({ values }) => resampled(values))),
  );
  return { value, interval: percentileInterval(replicates, 0.95), samples };
}
