import { createRequire } from "node:module";

/** Loaded when first asked for: its two hundred small files would double the time that importing this library takes. */
let quantile: typeof import("@stdlib/stats-base-dists-t-quantile") | null = null;

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
