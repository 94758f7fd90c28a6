import { bisect, median, quantile, sortSamples } from "../stats/index.js";
import { differenceAt, lowerAt, type Pair, type Side, type Span } from "./pair.js";

/** Two curves, what a bootstrap made of them, and where each was measured, shortest first. */
export interface Evidence {
  fitted: Pair;
  resampled: readonly Pair[];
  lengths: Record<Side, readonly number[]>;
}

/**
 * The lengths around a meeting at which the percentile interval of the difference holds 0: Fieller's set (1954), by
 * replicates, of which only the part connected with the meeting is given. Replicates that do not cross widen it, as
 * they should; a percentile interval of the crossings themselves would leave them out. An end of the grid that is
 * reached is returned as it is: the set goes on beyond.
 */
export function fiellerSet(
  { fitted, resampled }: Evidence,
  tokens: number,
  grid: readonly number[],
  confidence: number,
): Span {
  const fewest = ((1 - confidence) / 2) * resampled.length;
  const holdsZero = (length: number): boolean => {
    if (lowerAt(fitted, length) === null) return true;
    let [below, above] = [0, 0];
    for (const pair of resampled) {
      const difference = differenceAt(pair, length);
      if (difference < 0) below++;
      else if (difference > 0) above++;
    }
    return resampled.length - below >= fewest && resampled.length - above >= fewest;
  };
  const end = (lengths: readonly number[]): number => {
    let inside = tokens;
    for (const length of lengths) {
      if (!holdsZero(length)) return bisect(holdsZero, inside, length);
      inside = length;
    }
    return inside;
  };
  return [
    end(grid.filter((length) => length < tokens).reverse()),
    end(grid.filter((length) => length > tokens)),
  ];
}

/**
 * Whether a pair differs at one length at least, with the lengths judged together: the simultaneous bootstrap band
 * around their difference (the sup-t band of Montiel Olea and Plagborg-Møller 2019, doi:10.1002/jae.2656) leaves out
 * 0 somewhere. Judged one by one, two samples of the same curve would differ somewhere in one data set of seven.
 */
export function differ(
  { fitted, resampled }: Evidence,
  lengths: readonly number[],
  confidence: number,
): boolean {
  const bands = lengths.map((length) => {
    const difference = differenceAt(fitted, length);
    const deviations = resampled.map((pair) => Math.abs(differenceAt(pair, length) - difference));
    // Replicates may have the tails of Student's t, of which a few degrees of freedom leave no standard deviation.
    return { length, difference, deviations, spread: median(deviations) };
  });
  const largest = resampled.map((_, i) =>
    Math.max(...bands.map(({ deviations, spread }) => (spread > 0 ? deviations[i]! / spread : 0))),
  );
  const critical = quantile(sortSamples(largest), confidence);
  return bands.some(
    ({ length, difference, spread }) =>
      lowerAt(fitted, length) !== null && Math.abs(difference) > critical * spread,
  );
}
