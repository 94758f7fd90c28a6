import { createRequire } from "node:module";
import type { RandomIndex } from "./random.js";

/** Loaded when first asked for: two hundred small files would double the time that importing this library takes. */
let quantile: typeof import("@stdlib/stats-base-dists-t-quantile") | null = null;
let cdf: typeof import("@stdlib/stats-base-dists-t-cdf") | null = null;

/** The quantile of Student's t distribution; degrees of freedom need not be whole (Welch 1947). */
export function studentQuantile(probability: number, degreesOfFreedom: number): number {
  if (!(probability > 0 && probability < 1))
    throw new RangeError(`probability is ${probability}: it must be between 0 and 1`);
  if (!(degreesOfFreedom > 0))
    throw new RangeError(`degrees of freedom are ${degreesOfFreedom}: they must be above 0`);
  const require = createRequire(import.meta.url);
  quantile ??= require("@stdlib/stats-base-dists-t-quantile") as typeof quantile & object;
  return quantile(probability, degreesOfFreedom);
}

/** The probability that Student's t is at most `t`. */
export function studentCdf(t: number, degreesOfFreedom: number): number {
  if (Number.isNaN(t)) throw new RangeError("t is NaN: it must be a number");
  if (!(degreesOfFreedom > 0))
    throw new RangeError(`degrees of freedom are ${degreesOfFreedom}: they must be above 0`);
  const require = createRequire(import.meta.url);
  cdf ??= require("@stdlib/stats-base-dists-t-cdf") as typeof cdf & object;
  return cdf(t, degreesOfFreedom);
}

/** A draw from Student's t: a deviation in units of a scatter that was itself estimated. */
export function studentDraw(degreesOfFreedom: number, random: RandomIndex): number {
  return studentQuantile((random(2 ** 30) + 0.5) / 2 ** 30, degreesOfFreedom);
}
