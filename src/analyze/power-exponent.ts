import { bisect } from "../stats/index.js";
import type { Point } from "./weighting.js";

/** Lengths and weights of a power a + b·Lᵖ, ready to be asked of many sets of values. */
export interface PowerProblem {
  longest: number;
  /** Logarithms of the lengths as shares of the longest: Lᵖ stays within 1. */
  logShares: readonly number[];
  weights: readonly number[];
}

export function powerProblem(points: readonly Point[]): PowerProblem {
  const longest = Math.max(...points.map(({ length }) => length));
  return {
    longest,
    logShares: points.map(({ length }) => Math.log(length / longest)),
    weights: points.map(({ weight }) => weight),
  };
}

/**
 * The exponent p of least Σw(y − a − b·Lᵖ)² with a, b ≥ 0 between `from` and `to`, where there is one least, and its a
 * and b. It is the root of the derivative by p, which at the best a and b of each p is −2bΣw·r·Lᵖ·log L alone
 * (separable least squares: Golub and Pereyra 1973, doi:10.1137/0710036).
 */
export function fitPower(
  { longest, logShares, weights }: PowerProblem,
  values: ArrayLike<number>,
  from: number,
  to: number,
): { exponent: number; coefficients: [a: number, b: number] } {
  const powers = new Float64Array(logShares.length);
  const isBelow = (exponent: number): boolean => {
    const [offset, scale] = coefficientsAt(exponent);
    let pull = 0;
    for (let i = 0; i < powers.length; i++)
      pull += weights[i]! * (values[i]! - offset - scale * powers[i]!) * powers[i]! * logShares[i]!;
    return scale * pull > 0;
  };
  const exponent = bisect(isBelow, from, to);
  const [offset, scale] = coefficientsAt(exponent);
  return { exponent, coefficients: [offset, scale / longest ** exponent] };

  /** Fills `powers` too. Of two coefficients the bounds can be met by hand: a line through the mean, or flat, or through 0. */
  function coefficientsAt(exponent: number): [offset: number, scale: number] {
    let [w, x, y, xx, xy] = [0, 0, 0, 0, 0];
    for (let i = 0; i < powers.length; i++) {
      const power = (powers[i] = Math.exp(exponent * logShares[i]!));
      w += weights[i]!;
      x += weights[i]! * power;
      y += weights[i]! * values[i]!;
      xx += weights[i]! * power * power;
      xy += weights[i]! * power * values[i]!;
    }
    const scale = (w * xy - x * y) / (w * xx - x * x);
    if (scale <= 0) return [Math.max(0, y / w), 0];
    const offset = (y - scale * x) / w;
    return offset >= 0 ? [offset, scale] : [0, Math.max(0, xy / xx)];
  }
}
