import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { rowsToTable, tableToRows, type Row } from "../record/index.js";
import { closedEnds, crossingsOf, type Crossover } from "./crossover-result.js";
import type { ScalingFit } from "./fit-scaling.js";
import { interpolatedCrossover } from "./interpolated-crossover.js";
import type { FitMetricName } from "./metrics.js";
import { columnValues } from "./rows.js";
import { sampleSeries, type SampleSeries } from "./samples.js";

/** A point of a fitted curve, as `scalingFigure` draws it. */
export interface FittedPoint {
  model: string;
  prompt_tokens: number;
  /** In the unit of the metric. */
  value: number;
}

/** A crossing with its interval, as `scalingFigure` marks it. */
export interface CrossingMark {
  prompt_tokens: number;
  /** null where the interval is open, as far as was searched. */
  prompt_tokens_lo: number | null;
  prompt_tokens_hi: number | null;
  /** Which series is lower beyond it. */
  faster: string;
}

/** Steps of a curve: smooth at the width of a page. */
const STEPS = 64;

/**
 * The fitted curves at lengths spaced evenly on a logarithmic axis, from the shortest measured one to the longest, or
 * to `to` tokens where that is further.
 *
 * @example
 * scalingFigure(summarize(rows), fittedCurves(fits));
 */
export function fittedCurves(fits: readonly ScalingFit[], to = 0): FittedPoint[] {
  return fits.flatMap(({ series, range: [shortest, longest], predict }) => {
    const end = Math.max(longest, to);
    return Array.from({ length: STEPS + 1 }, (_, i): FittedPoint => {
      const length = i === STEPS ? end : shortest * (end / shortest) ** (i / STEPS);
      return { model: series.model ?? "", prompt_tokens: length, value: predict(length) };
    });
  });
}

/** The crossings of these comparisons as marks; a state without a crossing has none. */
export function crossingMarks(crossovers: readonly Crossover[]): CrossingMark[] {
  return crossovers.flatMap((found) =>
    crossingsOf(found).map((crossing) => {
      const [lo, hi] = closedEnds(found, crossing);
      return {
        prompt_tokens: crossing.tokens,
        prompt_tokens_lo: lo,
        prompt_tokens_hi: hi,
        faster: crossing.lowerAbove,
      };
    }),
  );
}

/**
 * Where the lines between the samples of each Transformer and each other model meet, as marks of a figure that joins
 * its points by lines: `interpolatedCrossover`, whose interval of single samples is the measured lengths around. Of
 * several crossings of a pair it is the last, from which on the order stays as far as was measured. Pairs
 * that cannot be compared (on different devices, fewer than two common lengths) have none, nor has a table in which a
 * model was run under several settings.
 */
export function interpolatedMarks(table: ColumnTable, metric: FitMetricName): CrossingMark[] {
  // Energies of several phases make several series of a model: figures draw those of the prefill.
  const rows = metric === "energy_j" ? rowsToTable(tableToRows(table).filter(isOfPrefill)) : table;
  const series = columnValues(rows, metric).some((value) => value != null)
    ? sampleSeries(rows, { metric })
    : [];
  const models = series.map((one) => one.series.model);
  if (new Set(models).size < models.length) return [];
  const transformers = series.filter((one) => one.series.family === "transformer");
  const others = series.filter((one) => one.series.family !== "transformer");
  return transformers.flatMap((a) => others.flatMap((b) => marksOfPair(a, b)));
}

const isOfPrefill = ({ kind, phase }: Row): boolean =>
  kind !== "energy" || phase == null || phase === "prefill";

function marksOfPair(a: SampleSeries, b: SampleSeries): CrossingMark[] {
  try {
    const found = interpolatedCrossover(a, b);
    // Under the models' own names, as the figure calls its lines; labels of a pair may carry settings.
    const modelOf = (label: string): string => (label === found.a ? a : b).series.model ?? label;
    return crossingMarks([found])
      .slice(-1)
      .map((mark) => ({ ...mark, faster: modelOf(mark.faster) }));
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}
