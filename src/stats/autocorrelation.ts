/**
 * Correlation of each sample with the one before it, in the order taken; 0 where they do not scatter. As statsmodels' and R's
 * `acf`: both sums go about the mean of all. RangeError for fewer than three samples.
 */
export function lag1Autocorrelation(samples: ArrayLike<number>): number {
  const n = samples.length;
  if (n < 3) throw new RangeError(`${n} sample(s): an autocorrelation needs at least three`);
  const all = Array.from(samples);
  const mean = all.reduce((sum, value) => sum + value, 0) / n;
  const squares = all.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  if (squares === 0) return 0;
  const products = all.slice(1).reduce((sum, value, i) => sum + (value - mean) * (all[i]! - mean), 0);
  return products / squares;
}

/**
 * How many independent samples tell as much of the mean: n (1 − ρ)/(1 + ρ) of a first-order autoregression with lag-1
 * autocorrelation ρ (Bayley and Hammersley 1946, doi:10.2307/2983560). Samples that repel each other count as n, no more. Two
 * samples or fewer tell nothing of ρ and count as they are. It falls short where a machine drifts: that too is what it is for.
 */
export function effectiveSamples(samples: ArrayLike<number>): number {
  const n = samples.length;
  if (n < 3) return n;
  const rho = Math.max(0, lag1Autocorrelation(samples));
  return Math.max(1, (n * (1 - rho)) / (1 + rho));
}
