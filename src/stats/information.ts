/** What is fitted and how well, for `aicc`. */
export interface GaussianFit {
  /** Σwr² over the observations. */
  residualSum: number;
  /** One an observation, the reciprocal of its variance up to a common factor. */
  weights: readonly number[];
  /** Everything estimated, the common factor included. */
  parameters: number;
}

/**
 * Akaike's criterion corrected for small samples, −2 log L + 2kn/(n − k − 1), of a weighted Gaussian fit with its
 * variance estimated (Hurvich and Tsai 1989, doi:10.1093/biomet/76.2.297). Lower is better; only differences over
 * the same observations and weights mean something. null where n ≤ k + 1 leaves nothing to correct by.
 */
export function aicc({ residualSum, weights, parameters }: GaussianFit): number | null {
  const n = weights.length;
  if (n <= parameters + 1) return null;
  const logWeights = weights.reduce((total, weight) => total + Math.log(weight), 0);
  const deviance = n * (Math.log((2 * Math.PI * residualSum) / n) + 1) - logWeights;
  return deviance + (2 * parameters * n) / (n - parameters - 1);
}
