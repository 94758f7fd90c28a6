import type { Curve } from "./curve.js";

/**
 * Straight lines between values at lengths, on two logarithmic axes: costs over tens of thousands of tokens bend as
 * powers of the length, which are straight there. Where a value is not above 0, the value's axis is linear.
 * Lengths are in ascending order; outside them the end segments go on.
 */
export function interpolatedCurve(lengths: readonly number[], values: readonly number[]): Curve {
  const positive = values.every((value) => value > 0);
  const x = lengths.map(Math.log);
  const y = positive ? values.map(Math.log) : values;
  const at = (length: number): number => {
    const log = Math.log(length);
    let i = 0;
    while (i < x.length - 2 && log > x[i + 1]!) i++;
    const height = y[i]! + ((log - x[i]!) / (x[i + 1]! - x[i]!)) * (y[i + 1]! - y[i]!);
    return positive ? Math.exp(height) : height;
  };
  return { at, breaks: lengths.slice(1, -1) };
}
