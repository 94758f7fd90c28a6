import { UserError } from "../errors.js";
import { rSquared, type RandomIndex, type RobustLoss } from "../stats/index.js";
import type { Series } from "./columns.js";
import type { Curve } from "./curve.js";
import { defaultShape } from "./default-shape.js";
import { estimate, type Estimate, type EstimateOptions } from "./estimate.js";
import { settingOf, type FitScalingOptions, type SkipOptions } from "./fit-options.js";
import { coefficientNames, lengthsNeeded, shapeKind, type Form } from "./forms.js";
import { FIT_METRICS, unitOf, type FitMetricName } from "./metrics.js";
import { readSeries } from "./read-series.js";
import type { Rows } from "./rows.js";
import type { SampleSeries } from "./samples.js";
import { replicate, scatterOf, type Scatter, type ScatterUnit } from "./scatter.js";
import { selectForm, type FormScore } from "./select-form.js";
import { seriesLabel } from "./series-label.js";
import type { Point, Sample, Weighting } from "./weighting.js";

/** A metric as a curve over the prompt length L in tokens, for one series. */
export interface ScalingFit {
  series: Series;
  metric: FitMetricName;
  /** Unit of the metric, of a and of predictions; b is this a token, c this a token squared. */
  unit: string;
  form: Form;
  weighting: Weighting;
  robust: RobustLoss | null;
  /** 0 where the form has none; d, the jump of a step or the slope beyond a kink, only where it has one. */
  coefficients: { a: number; b: number; c: number; d?: number };
  /**
   * Given the break or exponent; `coefficientTable` gives intervals that are not. null for a coefficient at its bound of
   * 0 or not in the form, and for all where no sample is to spare.
   */
  standardErrors: { a: number | null; b: number | null; c: number | null; d?: number | null };
  /** Where the step or kink begins, in tokens; null in other forms. */
  breakTokens: number | null;
  /** Of the power; null in other forms. */
  exponent: number | null;
  /** Share of the weighted variance that the curve explains; null where the metric does not vary. */
  r2: number | null;
  /** Root of Σw(y − ŷ)²/Σwy²: with relative weights the typical deviation as a share of the value. */
  residual: number;
  /** Samples. */
  n: number;
  /** What intervals and standard errors are judged by; null without a spare sample, where there are none. */
  scatter: ScatterUnit | null;
  /** Lengths, or samples, minus what was estimated; coefficients at their bound are not. */
  degreesOfFreedom: number;
  /** Distinct lengths in ascending order. */
  lengths: number[];
  /** Shortest and longest length. */
  range: [shortest: number, longest: number];
  /** The samples fitted, in order of length. */
  points: Point[];
  /** How the forms in question compare where the form was `auto`; null where it was given. */
  candidates: FormScore[] | null;
  /** The metric at a length in tokens, in `unit`. */
  predict: (length: number) => number;
  /** The same with the lengths where it jumps or kinks. */
  curve: Curve;
  /** Bootstrap replicates of the curve, with Student's tails (see `replicate`); UserError without a spare sample. */
  resample: (replicates: number, random: RandomIndex) => Curve[];
  /** How it came about, for the tables about it. */
  inference: Inference;
}

/** How a fit came about, for the tables about it. */
export interface Inference {
  estimate: Estimate;
  /** null without a spare sample. */
  scatter: Scatter | null;
}

/** A series that no curve could be fitted to. */
export interface UnfitSeries extends SampleSeries {
  problem: string;
}

/**
 * One fit a series: rows that agree in every column of SERIES_COLUMNS, or in those of `by`. Only successful rows that
 * have the metric count. UserError if that leaves no row, rows of several kinds or units, a repeat that is there
 * twice, or a series with too few lengths to determine its curve, unless `skipShort` leaves it out.
 *
 * @example
 * const [qwen, mamba] = fitScaling(table, { metric: "ttft_ms" });
 * describeCrossover(crossover(qwen, mamba));
 */
export function fitScaling(table: Rows, options: FitScalingOptions & SkipOptions): ScalingFit[] {
  const all = fitWhatCanBe(table, options);
  const fits = all.filter((one): one is ScalingFit => !isUnfit(one));
  const [unfit] = all.filter(isUnfit);
  if (unfit && (options.skipShort !== true || fits.length === 0))
    throw new UserError(
      unfit.problem + (fits.length === 0 ? "" : `; skipShort: true leaves out such series of ${all.length}`),
    );
  return fits;
}

/** The same for callers who report what cannot be fitted. */
export function fitWhatCanBe(table: Rows, options: FitScalingOptions): (ScalingFit | UnfitSeries)[] {
  const setting = settingOf(options);
  const { metric } = options;
  return readSeries(table, options, setting.weighting).map(({ series, samples }) => {
    try {
      return fitSeries(series, samples, options, setting);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      return { series, metric, unit: unitOf(metric), points: samples, problem: error.message };
    }
  });
}

export function isUnfit(series: SampleSeries): series is UnfitSeries {
  return "problem" in series;
}

function fitSeries(
  series: Series,
  samples: readonly Sample[],
  { metric, form, scatter }: FitScalingOptions,
  setting: EstimateOptions,
): ScalingFit {
  const selection = form === "auto" ? selectForm(samples, metric, setting, scatter) : null;
  const { form: chosen, at } =
    form === undefined
      ? defaultShape(
          metric,
          series,
          samples.map(({ length }) => length),
        )
      : { form: form === "auto" ? (selection?.form ?? FIT_METRICS[metric].form) : form, at: setting.at };
  const found = estimate(samples, chosen, { ...setting, at });
  if (!found) throw tooFewLengths(series, samples, metric, chosen, at);
  const { observations, estimated } = found;
  if (scatter === "lengths" && observations.length <= estimated)
    throw new UserError(
      `${seriesLabel(series)} has ${metric} at ${observations.length} prompt length(s) for the ${estimated} numbers of ` +
        `a ${chosen} fit: scatter "lengths" needs one more (without it the samples judge)`,
    );
  return asFit(series, metric, found, scatterOf(found, scatter), selection?.scores ?? null);
}

function asFit(
  series: Series,
  metric: FitMetricName,
  found: Estimate,
  scatter: Scatter | null,
  candidates: FormScore[] | null,
): ScalingFit {
  const { points, form, shape, fit, curve, observations, estimated } = found;
  const names = coefficientNames(form);
  const coefficient = (name: (typeof names)[number]): number => fit.coefficients[names.indexOf(name)] ?? 0;
  const error = (name: (typeof names)[number]): number | null => {
    const unit = fit.unitErrors[names.indexOf(name)] ?? null;
    return unit === null || scatter === null ? null : unit * Math.sqrt(scatter.variance);
  };
  const residuals = points.map(({ length, value }) => value - curve.at(length));
  const lengths = observations.map(({ length }) => length);
  const isBroken = names.includes("d");
  return {
    series,
    metric,
    unit: unitOf(metric),
    form,
    weighting: found.weighting,
    robust: found.robust,
    coefficients: {
      a: coefficient("a"),
      b: coefficient("b"),
      c: coefficient("c"),
      ...(isBroken && { d: coefficient("d") }),
    },
    standardErrors: { a: error("a"), b: error("b"), c: error("c"), ...(isBroken && { d: error("d") }) },
    breakTokens: shapeKind(form) === "break" ? shape : null,
    exponent: shapeKind(form) === "exponent" ? shape : null,
    r2: rSquared(
      residuals,
      points.map(({ value }) => value),
      points.map(({ weight }) => weight),
    ),
    residual: relativeResidual(points, residuals),
    n: points.length,
    scatter: scatter?.unit ?? null,
    degreesOfFreedom: scatter?.degreesOfFreedom ?? points.length - estimated,
    lengths,
    range: [lengths[0]!, lengths.at(-1)!],
    points,
    candidates,
    predict: (length) => curve.at(length),
    curve,
    resample: (replicates, random) => {
      if (scatter === null)
        throw new UserError(
          `${seriesLabel(series)} has ${points.length} samples of ${metric} for as many coefficients: without one to ` +
            `spare there is no scatter to resample`,
        );
      return replicate(found, scatter, replicates, random);
    },
    inference: { estimate: found, scatter },
  };
}

function tooFewLengths(
  series: Series,
  samples: readonly Sample[],
  metric: FitMetricName,
  form: Form,
  breakAt: number | null,
): UserError {
  const lengths = [...new Set(samples.map(({ length }) => length))].sort((p, q) => p - q);
  const needed = lengthsNeeded(form, breakAt);
  const has = `${seriesLabel(series)} has ${metric} at ${lengths.length} prompt length(s)`;
  if (lengths.length < needed)
    return new UserError(`${has} (${lengths.join(", ")}): a ${form} fit needs at least ${needed}`);
  return new UserError(
    breakAt === null
      ? `${has} (${lengths.join(", ")}): a ${form} fit needs two on either side of its break`
      : `${has} (${lengths.join(", ")}): a ${form} fit with its break at ${breakAt} needs some on either side of it`,
  );
}

function relativeResidual(points: readonly Point[], residuals: readonly number[]): number {
  const squares = (values: readonly number[]): number =>
    values.reduce((sum, value, i) => sum + points[i]!.weight * value ** 2, 0);
  const size = squares(points.map(({ value }) => value));
  return size === 0 ? 0 : Math.sqrt(squares(residuals) / size);
}
