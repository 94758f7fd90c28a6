import { fitAt, fitEach, type Observation } from "./fit-form.js";
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
    if (variance <= repeated) return { sampleVariance: repeated, sampleDegreesOfFreedom: n - m };
    const [p, q] = [variance / repeats, repeated * (1 - 1 / repeats)];
    const sampleDegreesOfFreedom = (p + q) ** 2 / (p ** 2 / (m - estimated) + q ** 2 / (n - m));
    return { sampleVariance: p + q, sampleDegreesOfFreedom };
  }
}

/** Replicates of a curve, and with each the standard deviation of a new sample of weight 1. */
export interface Replicates {
  curves: Curve[];
  sampleDeviations: number[];
}

/**
 * Curves refitted to drawn values, a curve a replicate (residual bootstrap; Davison and Hinkley 1997, section 6.2.3):
 * weighted residuals, each stretched by 1/√(1−h) for its leverage h, centred and brought to the variance of the
 * scatter, are drawn with replacement. Two things are not as in the textbook:
 *
 * - Each replicate's residuals are stretched by √(ν/χ²) with χ² of the scatter's ν degrees of freedom. The scatter
 *   is itself estimated, from few lengths badly; the quantiles of the replicates thus become Student's, and the
 *   percentile interval of a coefficient without a bound the t-interval.
 * - They are added to the curve fitted without bounds. Added to one held at its bound, replicates would pile up there
 *   and be too sure of it (Andrews 2000, doi:10.1111/1468-0262.00114).
 */
export function replicate(
  estimate: Estimate,
  scatter: Scatter,
  replicates: number,
  random: RandomIndex,
): Replicates {
  const { observations, form, shape, shapes } = estimate;
  const unbound = fitAt(observations, form, shape, false);
  const centre = observations.map(({ value }, i) => value - unbound.residuals[i]!);
  const pool = residualPool(estimate, scatter);
  const normal = normalFrom(random);
  const sampleDeviations: number[] = [];
  const responses = Array.from({ length: replicates }, () => {
    const stretched = studentStretch(scatter.degreesOfFreedom, normal);
    sampleDeviations.push(
      Math.sqrt(scatter.sampleVariance) * studentStretch(scatter.sampleDegreesOfFreedom, normal),
    );
    return Float64Array.from(observations, (observation, i) => {
      const drawn = draw(pool, observation, scatter.unit, random);
      return centre[i]! + (stretched * drawn) / Math.sqrt(observation.weight);
    });
  });
  return { curves: fitEach(observations, form, shapes, responses), sampleDeviations };
}

/** Residuals to draw from, of an observation of weight 1: mean 0, and the scatter's variance. */
function residualPool(estimate: Estimate, { unit, variance }: Scatter): number[] {
  const { working, observations, form, shape, curve } = estimate;
  const points = unit === "lengths" ? observations : working;
  const { leverages } = fitAt(points, form, shape);
  const stretched = points.flatMap(({ length, value, weight }, i) => {
    const room = 1 - leverages[i]!;
    // A point of leverage 1 lies on its curve whatever its value: it has no residual to draw.
    return room < 1e-9 ? [] : [(value - curve.at(length)) * Math.sqrt(weight / room)];
  });
  const mean = stretched.reduce((sum, residual) => sum + residual, 0) / stretched.length;
  const squares = stretched.reduce((sum, residual) => sum + (residual - mean) ** 2, 0) / stretched.length;
  const scale = squares > 0 ? Math.sqrt(variance / squares) : 0;
  return stretched.map((residual) => (residual - mean) * scale);
}

/** A residual of an observation of weight 1: of its mean, where samples are drawn. */
function draw(
  pool: readonly number[],
  { samples }: Observation,
  unit: ScatterUnit,
  random: RandomIndex,
): number {
  if (unit === "lengths") return pool[random(pool.length)]!;
  let sum = 0;
  for (let i = 0; i < samples; i++) sum += pool[random(pool.length)]!;
  return sum / Math.sqrt(samples);
}

/** √(ν/χ²): a normal deviation times this is Student's with ν degrees of freedom. */
export function studentStretch(degreesOfFreedom: number, normal: () => number): number {
  return Math.sqrt(degreesOfFreedom / chiSquare(Math.max(1, Math.round(degreesOfFreedom)), normal));
}

function chiSquare(degreesOfFreedom: number, normal: () => number): number {
  let sum = 0;
  for (let i = 0; i < degreesOfFreedom; i++) sum += normal() ** 2;
  return sum;
}
