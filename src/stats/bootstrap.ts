import { quantiles, sortSamples } from "./quantile.js";
import { randomIndex, type RandomIndex } from "./random.js";

/** How many replicates, how sure, and the seed. */
export interface BootstrapOptions {
  /** Resamples drawn; default 2000. */
  replicates?: number;
  /** Share of the distribution inside the interval; default 0.95. */
  confidence?: number;
  /** Seed of the resampling, or a source of indices that is already running; default 1. */
  seed?: number | RandomIndex;
}

/**
 * Percentile bootstrap interval [lo, hi] of a statistic (Efron and Tibshirani 1993, chapter 13).
 *
 * It is narrow for few samples: with fewer than six, the interval of a median cannot reach 95 % whatever the method,
 * because even the extremes enclose the median in only 1 - 2^(1-n) of all data sets.
 *
 * The statistic is handed one buffer again and again; it must not keep it.
 */
export function bootstrapInterval(
  samples: ArrayLike<number>,
  statistic: (resample: Float64Array) => number,
  { replicates = 2000, confidence = 0.95, seed = 1 }: BootstrapOptions = {},
): [lo: number, hi: number] {
  if (samples.length < 2)
    throw new RangeError(`${samples.length} sample(s): a bootstrap interval needs at least two`);
  const random = typeof seed === "number" ? randomIndex(seed) : seed;
  const resample = new Float64Array(samples.length);
  const statistics = repeat(replicates, () => {
    for (let i = 0; i < resample.length; i++) resample[i] = samples[random(samples.length)]!;
    return statistic(resample);
  });
  return percentileInterval(statistics, confidence);
}

/** The central interval that holds the share `confidence` of the values. */
export function percentileInterval(values: ArrayLike<number>, confidence: number): [lo: number, hi: number] {
  if (!(confidence > 0 && confidence < 1))
    throw new RangeError(`confidence is ${confidence}: it must be between 0 and 1, such as 0.95`);
  const tail = (1 - confidence) / 2;
  const [lo, hi] = quantiles(sortSamples(values), [tail, 1 - tail]);
  return [lo!, hi!];
}

function repeat(times: number, draw: () => number): Float64Array {
  if (!Number.isInteger(times) || times < 1)
    throw new RangeError(`replicates is ${times}: it must be a whole number of at least 1`);
  return Float64Array.from({ length: times }, draw);
}
