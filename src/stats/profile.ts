import { leastSquares, type LeastSquaresOptions } from "./least-squares.js";
import { bisect } from "./bisect.js";

/** Doublings of the bracket until it holds the end; further out lies no finite end. */
const DOUBLINGS = 60;
/** A t-interval whose ends miss by no more, as a share of the room between the least Σwr² and what is allowed, holds. */
const ROUNDING = 1e-8;

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
  const excess = (value: number): number => {
    const left = response.map((entry, i) => entry - value * design[i]![column]!);
    return residualSumOf(rest, left, restOptions) - allowed;
  };
  const room = allowed - best.residualSum;
  // The t-interval reaches so far. A coefficient at its bound has none: the column's own size says how far to try.
  const size = design.reduce((total, row, i) => total + (options.weights?.[i] ?? 1) * row[column]! ** 2, 0);
  const reach = Math.sqrt(room) * (best.unitErrors[column] ?? 1 / Math.sqrt(size));
  if (reach === 0) return [at, at];
  const hi = end(excess, at, reach, room);
  if (bounded && (at === 0 || excess(0) <= 0)) return [0, hi];
  return [end(excess, at, -reach, room), hi];
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

/** Where, from `inside` in the direction of `reach`, Σwr² comes to exceed what is allowed. */
function end(excess: (value: number) => number, inside: number, reach: number, room: number): number {
  if (Math.abs(excess(inside + reach)) <= ROUNDING * room) return inside + reach;
  const isAllowed = (value: number): boolean => excess(value) <= 0;
  let [near, far] = [0, reach];
  for (let doublings = 0; isAllowed(inside + far); doublings++) {
    if (doublings === DOUBLINGS) return reach > 0 ? Infinity : -Infinity;
    [near, far] = [far, 2 * far];
  }
  return bisect(isAllowed, inside + near, inside + far);
}
