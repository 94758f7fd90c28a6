import { UserError } from "../errors.js";
import type { ColumnName } from "../record/schema.js";
import type { Crossover, CrossoverMethod } from "./crossover-result.js";
import { crossoverRow, type CrossoverRow } from "./crossover-table.js";
import { crossover } from "./crossover.js";
import { crossoverVariants } from "./crossover-variants.js";
import { describeCrossover } from "./describe-crossover.js";
import type { FitScalingOptions } from "./fit-options.js";
import { fitWhatCanBe, isUnfit, type ScalingFit } from "./fit-scaling.js";
import { interpolatedCrossover, type InterpolatedOptions } from "./interpolated-crossover.js";
import { checkFitMetric } from "./metrics.js";
import { chosenRows, pickSeries, type SeriesChoice } from "./pick-series.js";
import { required } from "./resampling.js";
import { inWords, tableOf, takeRows, type Rows } from "./rows.js";
import { sampleSeries, type SampleSeries } from "./samples.js";
import { labelPair } from "./series-label.js";

/** How pairs of a table are compared. */
export type PairOptions = InterpolatedOptions & {
  /** By fits, with what the samples say beside them (the default), or by the samples alone, which need no curve. */
  method?: CrossoverMethod;
};

/** The same with what to read from the table and how to fit it; any column of numbers needs no curve. */
export type TableOptions = PairOptions & Omit<FitScalingOptions, "metric" | "by"> & { metric: ColumnName };

/** The same with the two series of the table. */
export type ChoiceOptions = TableOptions & { a: SeriesChoice; b: SeriesChoice };

/** A comparison as a row of a table of many. */
export type ComparedRow = Partial<CrossoverRow> & {
  a: string;
  b: string;
  /** What the samples themselves say, beside fits. */
  interpolated_state?: Crossover["state"] | null;
  interpolated_tokens?: number | null;
  /** In what the two differ. */
  note?: string | null;
  /** The result as a sentence. */
  says: string | null;
  /** Why there is no result. */
  problem: string | null;
};

/** The series of a table: fits, with the reason where one cannot be, or their samples alone. */
export function readComparable(
  table: Rows,
  { method = "fitted", metric, ...options }: TableOptions,
): SampleSeries[] {
  checkMethod(method, options);
  if (method === "interpolated") return sampleSeries(table, { metric });
  checkFitMetric(metric);
  return fitWhatCanBe(table, { ...options, metric });
}

/** The two series chosen; the other rows of the table need not allow a fit. */
export function readPair(given: Rows, options: ChoiceOptions): [a: SampleSeries, b: SampleSeries] {
  const table = tableOf(given);
  const { a, b } = required(options, "metric, a and b");
  const rows = [...new Set([...chosenRows(table, a), ...chosenRows(table, b)])];
  if (rows.length === 0)
    throw new UserError(`none of the ${table.numRows()} rows is of ${inWords(a)} or ${inWords(b)}`);
  const series = readComparable(takeRows(table, rows), options);
  const pair = [pickSeries(series, a), pickSeries(series, b)] as const;
  refuseUnfit(pair);
  return [...pair];
}

/** Refuses a method that is none of ours, and settings of a fit where none is made. */
function checkMethod(method: string, options: Readonly<Record<string, unknown>>): void {
  if (method !== "fitted" && method !== "interpolated")
    throw new UserError(`method is ${method}: it must be fitted or interpolated`);
  const unused = FIT_SETTINGS.find((name) => options[name] !== undefined);
  if (method === "interpolated" && unused !== undefined)
    throw new UserError(
      `${unused} is ${inWords(options[unused])}: method interpolated fits no curve to set it for`,
    );
}

const FIT_SETTINGS = ["form", "breakAt", "weighting", "robust", "scatter"] as const;

/** A pair by its fits, or by its samples where there are none or none is wanted. */
export function comparePair(a: SampleSeries, b: SampleSeries, options: PairOptions): Crossover {
  const fits = fitsOf(a, b, options);
  return fits ? crossover(...fits, options) : interpolatedCrossover(a, b, options);
}

/** One row a comparison; what cannot be compared gives its reason instead of a result. */
export function comparedRow(a: SampleSeries, b: SampleSeries, options: PairOptions): ComparedRow {
  try {
    refuseUnfit([a, b]);
    const fits = fitsOf(a, b, options);
    if (!fits) {
      const result = interpolatedCrossover(a, b, options);
      return { ...crossoverRow(result), says: describeCrossover(result), problem: null };
    }
    const { fitted, interpolated, note } = crossoverVariants(...fits, options);
    const beside = interpolated && crossoverRow(interpolated);
    return {
      ...crossoverRow(fitted),
      interpolated_state: beside?.state ?? null,
      interpolated_tokens: beside?.tokens ?? null,
      note,
      says: describeCrossover(fitted),
      problem: null,
    };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const [aLabel, bLabel] = labelPair(a.series, b.series);
    return { metric: a.metric, unit: a.unit, a: aLabel, b: bLabel, says: null, problem: error.message };
  }
}

function refuseUnfit(series: readonly SampleSeries[]): void {
  const unfit = series.find(isUnfit);
  if (unfit) throw new UserError(unfit.problem);
}

function fitsOf(a: SampleSeries, b: SampleSeries, { method }: PairOptions): [ScalingFit, ScalingFit] | null {
  return method !== "interpolated" && isFit(a) && isFit(b) ? [a, b] : null;
}

const isFit = (series: SampleSeries): series is ScalingFit => "curve" in series;
