import { leastSquares, type LeastSquaresOptions } from "./least-squares.js";
import { bisect } from "./roots.js";

/** Doublings of the bracket until it holds the end; further out lies no finite end. */
const DOUBLINGS = 60;

/**
 * The values of one coefficient at which the others can still keep Σwr² within `allowed`: its profile-likelihood
 * interval (Venzon and Moolgavkar 1988, doi:10.2307/2347496), whose ends may lie at the bound of 0.
 *
 * With s²·t² added to the least Σwr², t Student's quantile, it is the classical t-interval as long as no bound is in
 * reach. null if not even the least Σwr² is allowed.
 */
export function profileInterval(
  design: readonly (readonly number[])[],
  response: readonly number[],
  column: number,
  allowed: number,
  options: LeastSquaresOptions = {},
): [lo: number, hi: number] | null {
  const best = leastSquares(design, response, options);
  if (best.residualSum > allowed) return null;
  const { nonNegative = false } = options;
  const bounded = typeof nonNegative === "boolean" ? nonNegative : nonNegative[column]!;
  const rest = design.map((row) => row.filter((_, j) => j !== column));
  const restOptions =
    typeof nonNegative === "boolean"
      ? options
      : { ...options, nonNegative: nonNegative.filter((_, j) => j !== column) };
  const at = best.coefficients[column]!;
  const isAllowed = (value: number): boolean => {
    const left = response.map((entry, i) => entry - value * design[i]![column]!);
    return residualSumOf(rest, left, restOptions) <= allowed;
  };
  // A first guess of the right size: how far the coefficient may go if the others stay.
  const size = design.reduce((total, row, i) => total + (options.weights?.[i] ?? 1) * row[column]! ** 2, 0);
  const step = Math.sqrt((allowed - best.residualSum) / size);
  if (step === 0) return [at, at];
  const hi = end(isAllowed, at, step);
  if (bounded && isAllowed(0)) return [0, hi];
  const lo = end(isAllowed, at, -step);
  return [bounded ? Math.max(0, lo) : lo, hi];
}

function residualSumOf(
  design: readonly (readonly number[])[],
  response: readonly number[],
  options: LeastSquaresOptions,
): number {
  if (design[0]?.length === 0)
    return response.reduce((total, entry, i) => total + (options.weights?.[i] ?? 1) * entry ** 2, 0);
  return leastSquares(design, response, options).residualSum;
}

/** The last allowed value from `inside` in the direction of `step`. */
function end(isAllowed: (value: number) => boolean, inside: number, step: number): number {
  let reach = step;
  for (let doublings = 0; isAllowed(inside + reach); doublings++) {
    if (doublings === DOUBLINGS) return step > 0 ? Infinity : -Infinity;
    reach *= 2;
  }
  return bisect(isAllowed, reach === step ? inside : inside + reach / 2, inside + reach);
}
