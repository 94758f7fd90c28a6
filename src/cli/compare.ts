import type { ColumnTable } from "arquero";
import {
  crossover,
  fitScaling,
  summarize,
  type Crossover,
  type FitMetricName,
  type ScalingFit,
} from "../analyze/index.js";
import type { CrossoverMark, CurvePoint, Point } from "../figures/index.js";
import { UserError } from "../errors.js";

/** One metric of a campaign: its fitted curves, and where those of each pair of models meet. */
export interface Comparison {
  readonly metric: FitMetricName;
  readonly fits: readonly ScalingFit[];
  readonly crossovers: readonly Crossover[];
  /** Why there is no fit: too few lengths, nothing measured. */
  readonly problem: string | null;
}

/** Fits a metric for every series of the table and compares each Transformer with each other model. */
export function compare(table: ColumnTable, metric: FitMetricName): Comparison {
  try {
    const fits = fitScaling(table, { metric });
    const transformers = fits.filter(({ series }) => series.family === "transformer");
    const others = fits.filter(({ series }) => series.family !== "transformer");
    const crossovers = transformers.flatMap((a) => others.map((b) => crossover(a, b)));
    return { metric, fits, crossovers, problem: null };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { metric, fits: [], crossovers: [], problem: error.message };
  }
}

/** Medians as a figure wants them. */
export const pointsOf = (table: ColumnTable): Point[] => summarize(table).objects() as Point[];

/** Steps of a drawn curve. */
const CURVE_STEPS = 48;

/** The fitted curves at lengths spread evenly on a logarithmic axis, from the shortest to `to` tokens. */
export function curvesOf(fits: readonly ScalingFit[], to?: number): CurvePoint[] {
  return fits.flatMap(({ series, range: [shortest, longest], predict }) => {
    const ratio = Math.max(longest, to ?? 0) / shortest;
    return Array.from({ length: CURVE_STEPS + 1 }, (_, i) => {
      const length = shortest * ratio ** (i / CURVE_STEPS);
      return { model: series.model ?? "", prompt_tokens: length, value: predict(length) };
    });
  });
}

/** Crossings as marks of a figure; states without a crossing have none. */
export function marksOf(crossovers: readonly Crossover[]): CrossoverMark[] {
  return crossovers.flatMap((found) => {
    const crossings = found.state === "multiple" ? found.crossings : "tokens" in found ? [found] : [];
    return crossings.map(({ tokens, interval: [lo, hi], lowerAbove }) => ({
      prompt_tokens: tokens,
      prompt_tokens_lo: lo,
      prompt_tokens_hi: hi,
      faster: lowerAbove,
    }));
  });
}
