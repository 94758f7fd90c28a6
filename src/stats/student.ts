import tQuantile from "@stdlib/stats-base-dists-t-quantile";
import type { RandomIndex } from "./random.js";

/** Where Student's t with so many degrees of freedom has `probability` below it. */
export function studentQuantile(probability: number, degreesOfFreedom: number): number {
  return tQuantile(probability, degreesOfFreedom);
}

/** A draw from Student's t: a deviation in units of a scatter that was itself estimated. */
export function studentDraw(degreesOfFreedom: number, random: RandomIndex): number {
  return studentQuantile((random(2 ** 30) + 0.5) / 2 ** 30, degreesOfFreedom);
}
