declare const ascending: unique symbol;

/**
 * Finite numbers in ascending order. A type of its own, so that an unsorted array cannot reach a quantile;
 * `sortSamples` makes one.
 */
export type SortedSamples = Float64Array & { readonly [ascending]: true };

/** A sorted copy of the samples; RangeError if there are none or one is not a finite number. */
export function sortSamples(values: ArrayLike<number>): SortedSamples {
  if (values.length === 0) throw new RangeError("no samples: a quantile needs at least one number");
  const sorted = new Float64Array(values).sort();
  // Sorting puts -Infinity first and NaN last, after Infinity: the two ends vouch for all.
  for (const end of [sorted[0]!, sorted[sorted.length - 1]!])
    if (!Number.isFinite(end)) throw new RangeError(`sample is ${end}: samples must be finite numbers`);
  return sorted as SortedSamples;
}

/**
 * The sample quantile of type 7, linear between order statistics (Hyndman and Fan 1996,
 * doi:10.1080/00031305.1996.10473566); the default of NumPy, R and Excel. `probability` is in [0, 1].
 */
export function quantile(samples: SortedSamples, probability: number): number {
  if (!(probability >= 0 && probability <= 1))
    throw new RangeError(`probability is ${probability}: it must be between 0 and 1`);
  const position = (samples.length - 1) * probability;
  const below = Math.floor(position);
  const low = samples[below]!;
  const high = samples[Math.ceil(position)]!;
  return low + (position - below) * (high - low);
}

/** Several quantiles of the same samples. */
export function quantiles(samples: SortedSamples, probabilities: readonly number[]): number[] {
  return probabilities.map((probability) => quantile(samples, probability));
}

/** The median of samples in any order. */
export function median(values: ArrayLike<number>): number {
  return quantile(sortSamples(values), 0.5);
}
