import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import type { Crossover, CrossoverMethod } from "./crossover-result.js";
import { crossoverRow, type CrossoverRow } from "./crossover-table.js";
import { crossoverVariants } from "./crossover-variants.js";
import { describeCrossover } from "./describe-crossover.js";
import { fitScaling, type FitScalingOptions, type ScalingFit } from "./fit-scaling.js";
import { interpolatedCrossover, type InterpolatedOptions } from "./interpolated-crossover.js";
import { sampleSeries, type SampleSeries } from "./samples.js";
import { labelPair } from "./series-label.js";

/** How pairs of a table are compared. */
export type PairOptions = InterpolatedOptions & {
  /** By fits, with what the samples say beside them (the default), or by the samples alone, which need no curve. */
  method?: CrossoverMethod;
};

/** The same with what to read from the table and how to fit it. */
export type TableOptions = PairOptions & FitScalingOptions;

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

/** The series of a table: fits, or their samples alone. */
export function readSeries(
  table: ColumnTable,
  { method = "fitted", ...options }: TableOptions,
): SampleSeries[] {
  return method === "fitted" ? fitScaling(table, options) : sampleSeries(table, options);
}

/** One row a comparison; what cannot be compared gives its reason instead of a result. */
export function comparedRow(a: SampleSeries, b: SampleSeries, options: PairOptions): ComparedRow {
  try {
    const byFit = options.method !== "interpolated" && isFit(a) && isFit(b);
    if (!byFit) {
      const result = interpolatedCrossover(a, b, options);
      return { ...crossoverRow(result), says: describeCrossover(result), problem: null };
    }
    const { fitted, interpolated, note } = crossoverVariants(a, b, options);
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

const isFit = (series: SampleSeries): series is ScalingFit => "curve" in series;
