import { closedEnds, crossingsOf, type Crossover } from "./crossover-result.js";
import type { ScalingFit } from "./fit-scaling.js";

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
