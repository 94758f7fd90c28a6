import { UserError } from "../errors.js";
import { randomIndex } from "../stats/index.js";
import type { Comparison, Crossover } from "./crossover-result.js";
import { decideCrossover } from "./decide-crossover.js";
import type { ScalingFit } from "./fit-scaling.js";
import type { Pair, Span } from "./pair.js";
import { resamplingOf, type Resampling } from "./resampling.js";
import { rangeOf, type SampleSeries } from "./samples.js";
import { labelPair, seriesLabel } from "./series-label.js";

export interface CrossoverOptions extends Resampling {
  /** Allow curves of two devices; by default they are refused. */
  acrossDevices?: boolean;
}

/** How far beyond the measured lengths a crossing is looked for, as a factor. */
const HORIZON = 64;

/**
 * The prompt length where two fitted curves meet, with its interval, or the state that says why there is none. Curves
 * may be of any form; where one jumps over the other they cross at the jump.
 *
 * The interval inverts that of the difference (`fiellerSet`) over replicates with Student's tails (see `replicate`).
 * Of simulated 95 % intervals (test/bench/crossover-coverage.ts: 2 % noise, 250 data sets a design) 95 to 99.6 % held
 * a crossing in the measured lengths, most where five lengths leave each curve two degrees of freedom, and 92 to 97 %
 * an extrapolated one. With the tails of the residuals alone it was 85 to 94 % for percentiles of the crossings and
 * 86 to 93 % for bias-corrected ones (600 data sets a design).
 *
 * UserError for fits of different metrics, of different devices unless `acrossDevices`, without lengths in common,
 * or without a sample to spare.
 */
export function crossover(a: ScalingFit, b: ScalingFit, options: CrossoverOptions = {}): Crossover {
  refuseIncomparable(a, b, options.acrossDevices ?? false);
  const { confidence, replicates, seed } = resamplingOf(options);
  const random = randomIndex(seed);
  const aCurves = a.resample(replicates, random);
  const bCurves = b.resample(replicates, random);
  const evidence = {
    fitted: { a: a.curve, b: b.curve },
    resampled: aCurves.map((curve, i): Pair => ({ a: curve, b: bCurves[i]! })),
    lengths: { a: a.lengths, b: b.lengths },
  };
  return decideCrossover(evidence, compare(a, b, replicates, confidence));
}

/** Refuses two series that no crossover can compare. */
export function refuseIncomparable(a: SampleSeries, b: SampleSeries, acrossDevices: boolean): void {
  if (a.metric !== b.metric)
    throw new UserError(`the series are of ${a.metric} and ${b.metric}: a crossover compares one metric`);
  const [aDevice, bDevice] = [a.series.device, b.series.device];
  if (!acrossDevices && aDevice !== bDevice)
    throw new UserError(
      `the series are from ${aDevice ?? "an unnamed device"} and ${bDevice ?? "an unnamed device"}: ` +
        `a crossover compares one device (acrossDevices: true allows two)`,
    );
  const [from, to] = commonRange(a, b);
  if (from >= to)
    throw new UserError(
      `${seriesLabel(a.series)} was measured from ${rangeOf(a).join(" to ")} tokens and ${seriesLabel(b.series)} from ` +
        `${rangeOf(b).join(" to ")}: a crossover needs lengths that both cover`,
    );
}

function compare(a: ScalingFit, b: ScalingFit, replicates: number, confidence: number): Comparison {
  const [aLabel, bLabel] = labelPair(a.series, b.series);
  const shortest = Math.min(a.range[0], b.range[0]);
  const longest = Math.max(a.range[1], b.range[1]);
  return {
    method: "fitted",
    metric: a.metric,
    unit: a.unit,
    a: aLabel,
    b: bLabel,
    measured: commonRange(a, b),
    horizon: [Math.max(1, shortest / HORIZON), longest * HORIZON],
    replicates,
    confidence,
  };
}

function commonRange(a: SampleSeries, b: SampleSeries): Span {
  const [inA, inB] = [rangeOf(a), rangeOf(b)];
  return [Math.max(inA[0], inB[0]), Math.min(inA[1], inB[1])];
}
