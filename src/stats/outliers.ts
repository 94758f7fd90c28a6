import { median } from "./quantile.js";
import { robustScale } from "./robust.js";

/** Mean of |u| of the standard normal distribution, which makes a mean absolute deviation a standard deviation. */
const NORMAL_MEAN = Math.sqrt(2 / Math.PI);

/**
 * Which samples stand apart: more than `cutoff` robust standard deviations (median absolute deviation over 0.6745) from the
 * median; 3.5 by Iglewicz and Hoaglin 1993. Where more than half are equal, the mean absolute deviation stands in. They are
 * marked and never dropped: a pause of the machine is part of what a user waits for, and medians bear it.
 */
export function outliers(samples: ArrayLike<number>, cutoff = 3.5): boolean[] {
  if (!(cutoff > 0)) throw new RangeError(`the cutoff is ${cutoff}: it must be above 0, such as 3.5`);
  const values = Array.from(samples);
  if (values.length === 0) return [];
  const middle = median(values);
  const deviations = values.map((value) => value - middle);
  const meanDeviation = deviations.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
  const scale = robustScale(deviations) || meanDeviation / NORMAL_MEAN;
  return deviations.map((deviation) => Math.abs(deviation) > cutoff * scale);
}
