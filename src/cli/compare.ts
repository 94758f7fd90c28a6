import type { ColumnTable } from "arquero";
import {
  crossoverVariants,
  describeCrossover,
  fitScaling,
  type Crossover,
  type CrossoverVariants,
  type FitMetricName,
  type ScalingFit,
} from "../analyze/index.js";
import { UserError } from "../errors.js";

/** One metric of a campaign: its fitted curves, and where those of each pair of models meet. */
export interface Comparison<M extends FitMetricName = FitMetricName> {
  readonly metric: M;
  readonly fits: readonly ScalingFit[];
  readonly crossovers: readonly CrossoverVariants[];
  /** Why there is no fit: too few lengths, nothing measured. */
  readonly problem: string | null;
}

/** Fits a metric for every series that has lengths enough and compares each Transformer with each other model. */
export function compare<M extends FitMetricName>(table: ColumnTable, metric: M): Comparison<M> {
  try {
    const fits = fitScaling(table, { metric, skipShort: true });
    const transformers = fits.filter(({ series }) => series.family === "transformer");
    const others = fits.filter(({ series }) => series.family !== "transformer");
    const crossovers = transformers.flatMap((a) => others.map((b) => crossoverVariants(a, b)));
    return { metric, fits, crossovers, problem: null };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { metric, fits: [], crossovers: [], problem: error.message };
  }
}

/** What a figure marks: the crossovers of the curves, and of the samples where they alone tell the two apart. */
export const marked = ({ crossovers }: Comparison): Crossover[] =>
  crossovers.map(({ fitted, interpolated }) =>
    fitted.state === "not-separable" && interpolated !== null ? interpolated : fitted,
  );

/** In sentences: where the curves meet, what the samples say otherwise, or why nothing can be said. */
export function sentencesOf({ metric, crossovers, problem }: Comparison): string[] {
  if (problem !== null) return [`No statement on ${metric}: ${problem}.`];
  return crossovers.flatMap(({ fitted, interpolated, note }) =>
    note === null || interpolated === null
      ? [describeCrossover(fitted)]
      : [describeCrossover(fitted), describeCrossover(interpolated)],
  );
}
