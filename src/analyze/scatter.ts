import { fitAt, fitEach } from "./fit-form.js";
import type { Curve } from "./curve.js";
import type { Estimate } from "./estimate.js";
import { normalFrom, type RandomIndex } from "../stats/index.js";

/**
 * What the uncertainty of a curve is judged by.
 *
 * - `lengths`: the scatter of the lengths' means about the curve. Repeats of a length share what the length does to
 *   the metric (tiles, caches, the process they ran in, a form that is not quite true), so they are not independent
 *   of one another; the lengths are. Right whether or not repeats are correlated.
 * - `samples`: the scatter of all samples, as if independent. What remains where as many lengths as coefficients
 *   were measured; too narrow where repeats are correlated.
 */
export type ScatterUnit = "lengths" | "samples";

export interface Scatter {
  unit: ScatterUnit;
  /** Of an observation of weight 1. */
  variance: number;
  degreesOfFreedom: number;
  /** Of a new sample of weight 1: between lengths and within. */
  sampleVariance: number;
  sampleDegreesOfFreedom: number;
}

/** The scatter about an estimate, by lengths unless `unit` says otherwise or they leave none; null without a spare sample. */
export function scatterOf(estimate: Estimate, unit?: ScatterUnit): Scatter | null {
  const { working, observations, fitted, estimated } = estimate;
  const between = observations.reduce(
    (sum, { value, weight }, i) => sum + weight * (value - fitted[i]!) ** 2,
    0,
  );
  const means = new Map(observations.map(({ length, value }) => [length, value]));
  const within = working.reduce(
    (sum, { length, value, weight }) => sum + weight * (value - means.get(length)!) ** 2,
    0,
  );
  const [n, m] = [working.length, observations.length];
  if (n <= estimated) return null;
  if (unit === "samples" || m <= estimated) {
    const variance = (between + within) / (n - estimated);
    return {
      unit: "samples",
      variance,
      degreesOfFreedom: n - estimated,
      sampleVariance: variance,
      sampleDegreesOfFreedom: n - estimated,
    };
  }
  const variance = between / (m - estimated);
  return { unit: "lengths", variance, degreesOfFreedom: m - estimated, ...ofSamples() };

  /** Components of variance of a one-way layout, and Satterthwaite's degrees of freedom of their sum (1946). */
  function ofSamples(): Pick<Scatter, "sampleVariance" | "sampleDegreesOfFreedom"> {
    if (n === m) return { sampleVariance: variance, sampleDegreesOfFreedom: m - estimated };
    const repeats = n / m;
    const repeated = within / (n - m);
    const [p, q] = [variance / repeats, repeated * (1 - 1 / repeats)];
    if (p + q === 0) return { sampleVariance: 0, sampleDegreesOfFreedom: n - m };
    const sampleDegreesOfFreedom = (p + q) ** 2 / (p ** 2 / (m - estimated) + q ** 2 / (n - m));
    return { sampleVariance: p + q, sampleDegreesOfFreedom };
  }
}

/**
 * Curves refitted to drawn values, a curve a replicate: a parametric bootstrap (Efron and Tibshirani 1993, section
 * 6.5), for the residuals of a handful of lengths have no shape worth resampling, and means over repeats are near
 * normal. Normal deviations of the scatter's variance are added to the curve fitted without bounds: added to one held
 * at its bound, replicates would pile up there and be too sure of it (Andrews 2000, doi:10.1111/1468-0262.00114).
 *
 * The scatter is itself estimated, from few lengths badly. So the deviations of each replicate are stretched by
 * √(ν/χ²), χ² drawn with the ν degrees of freedom of the scatter: quantiles of the replicates become Student's, and the percentile interval of what depends linearly on the values the t-interval.
 */
export function replicate(
  estimate: Estimate,
  scatter: Scatter,
  replicates: number,
  random: RandomIndex,
): Curve[] {
  const { observations, form, shape, shapes } = estimate;
  const unbound = fitAt(observations, form, shape, false);
  const centre = observations.map(({ value }, i) => value - unbound.residuals[i]!);
  const normal = normalFrom(random);
  const deviations = observations.map(({ weight }) => Math.sqrt(scatter.variance / weight));
  const responses = Array.from({ length: replicates }, () => {
    const stretch = studentStretch(scatter.degreesOfFreedom, normal);
    const response = new Float64Array(centre.length);
    for (let i = 0; i < response.length; i++) response[i] = centre[i]! + stretch * deviations[i]! * normal();
    return response;
  });
  return fitEach(observations, form, shapes, responses);
}

/** Degrees of freedom from which on χ² is drawn at once. */
const MANY = 12;

/**
 * √(ν/χ²): a normal deviation times this is Student's with ν degrees of freedom. χ² is a sum of ν squares, brought to a
 * whole number of them; of many, Wilson and Hilferty's cube of a normal deviation (1931), within 0.1 % of it.
 */
export function studentStretch(degreesOfFreedom: number, normal: () => number): number {
  if (degreesOfFreedom > MANY) {
    const variance = 2 / (9 * degreesOfFreedom);
    return (1 - variance + normal() * Math.sqrt(variance)) ** -1.5;
  }
  const squares = Math.max(1, Math.round(degreesOfFreedom));
  let sum = 0;
  for (let i = 0; i < squares; i++) sum += normal() ** 2;
  return Math.sqrt(squares / sum);
}
