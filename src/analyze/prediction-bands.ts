import { table as fromColumns, type ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { normalFrom, percentileInterval, randomIndex, type RandomIndex } from "../stats/index.js";
import { seriesColumns } from "./columns.js";
import type { ScalingFit } from "./fit-scaling.js";
import { resamplingOf, type Resampling } from "./resampling.js";
import { studentStretch } from "./scatter.js";

export interface PredictionBandsOptions extends Resampling {
  /** Prompt lengths at which to predict; default 33 from the shortest to the longest of each fit, evenly spaced as logarithms. */
  promptTokens?: readonly number[];
}

const STEPS = 32;

/**
 * What fits say at any length, a row a length: the series' columns, `prompt_tokens`, the metric under its own name,
 * `<metric>_lo` and `<metric>_hi` (where its mean is), `sample_lo` and `sample_hi` (where one new sample would be), and
 * `extrapolated`, true outside the lengths measured: there the bands hold only if the form does. All bands are given the
 * `form`; where it was chosen from the same data (`form_chosen`) they do not know of the choice and are too narrow,
 * most so beyond the lengths measured. `scatter` is what they are judged by.
 *
 * The first band is the percentile interval of bootstrap replicates (see `replicate`). The second adds to each
 * replicate a normal deviation of the scatter of single samples, growing with the value as the weights have it.
 * UserError for a fit without a sample to spare.
 */
export function predictionBands(
  fits: readonly ScalingFit[],
  { promptTokens, ...resampling }: PredictionBandsOptions = {},
): ColumnTable {
  const { confidence, replicates, seed } = resamplingOf(resampling, 4000);
  const wrong = promptTokens?.find((length) => !(length > 0 && length < Infinity));
  if (wrong !== undefined) throw new UserError(`promptTokens has ${wrong}: lengths must be tokens above 0`);
  const metrics = [...new Set(fits.map(({ metric }) => metric))];
  if (metrics.length > 1)
    throw new UserError(`the fits are of ${metrics.join(" and ")}: the bands of one table are of one metric`);
  const random = randomIndex(seed);
  const rows = fits.flatMap((fit) =>
    bandsOf(fit, promptTokens ?? spread(fit.range), confidence, replicates, random),
  );
  const [metric = "value"] = metrics;
  return fromColumns({
    ...seriesColumns(rows.map(({ fit }) => fit.series)),
    prompt_tokens: rows.map(({ length }) => length),
    [metric]: rows.map(({ fit, length }) => fit.predict(length)),
    [`${metric}_lo`]: rows.map(({ mean }) => mean[0]),
    [`${metric}_hi`]: rows.map(({ mean }) => mean[1]),
    sample_lo: rows.map(({ sample }) => sample[0]),
    sample_hi: rows.map(({ sample }) => sample[1]),
    extrapolated: rows.map(({ fit, length }) => length < fit.range[0] || length > fit.range[1]),
    form: rows.map(({ fit }) => fit.form),
    form_chosen: rows.map(({ fit }) => fit.candidates !== null),
    scatter: rows.map(({ fit }) => fit.scatter),
  });
}

interface Band {
  fit: ScalingFit;
  length: number;
  mean: readonly [lo: number, hi: number];
  sample: readonly [lo: number, hi: number];
}

function bandsOf(
  fit: ScalingFit,
  lengths: readonly number[],
  confidence: number,
  replicates: number,
  random: RandomIndex,
): Band[] {
  const curves = fit.resample(replicates, random);
  const { power, error, pivot } = fit.inference.estimate.variance;
  const { sampleVariance, sampleDegreesOfFreedom } = fit.inference.scatter!;
  const normal = normalFrom(random);
  const scatters = curves.map(() => {
    const stretched = Math.sqrt(sampleVariance) * studentStretch(sampleDegreesOfFreedom, normal);
    const turn = error * normal();
    return (mean: number): number => stretched * mean ** power * (mean / pivot) ** turn;
  });
  return lengths.map((length) => {
    const means = curves.map((curve) => curve.at(length));
    const samples = means.map((mean, i) => mean + normal() * scatters[i]!(Math.abs(mean)));
    return {
      fit,
      length,
      mean: percentileInterval(means, confidence),
      // Nothing measured is negative, whatever a normal deviation says.
      sample: percentileInterval(
        samples.map((sample) => Math.max(0, sample)),
        confidence,
      ),
    };
  });
}

function spread([shortest, longest]: ScalingFit["range"]): number[] {
  return Array.from({ length: STEPS + 1 }, (_, i) =>
    i === STEPS ? longest : shortest * (longest / shortest) ** (i / STEPS),
  );
}
