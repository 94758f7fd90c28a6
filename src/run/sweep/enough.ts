import { UserError } from "../../errors.js";
import type { Row } from "../../record/index.js";
import { FEWEST_SAMPLES, isPrecise } from "../../stats/index.js";
import type { AnyCell } from "../plan.js";

/** How well the times of a cell are to be known. */
export interface Precision {
  /** Width of the 95 % interval of a median over the median, of TTFT and TPOT: 0.02 is ±1 %. */
  readonly targetWidth: number;
  /** Samples after which a cell is left as it is. Default: ten times its repeats. */
  readonly maxRepeats: number | null;
}

/** What is wanted, or a UserError for what makes no sense; null where a fixed number of samples is. */
export function precisionOf({
  targetWidth,
  maxRepeats,
}: {
  targetWidth?: number | undefined;
  maxRepeats?: number | undefined;
}): Precision | null {
  if (targetWidth === undefined) {
    if (maxRepeats === undefined) return null;
    throw new UserError(`maxRepeats is ${maxRepeats}, but only a target width needs it; give both`);
  }
  if (!(targetWidth > 0 && targetWidth < 1))
    throw new UserError(
      `the target width is ${targetWidth}; it must be between 0 and 1, such as 0.02 for an interval of 2 %`,
    );
  if (maxRepeats !== undefined && !(Number.isInteger(maxRepeats) && maxRepeats >= FEWEST_SAMPLES))
    throw new UserError(
      `maxRepeats is ${maxRepeats}; it must be a whole number of ${FEWEST_SAMPLES} or more, as no interval is judged before`,
    );
  return { targetWidth, maxRepeats: maxRepeats ?? null };
}

/** Times of a sample that decide when a cell is known well enough. */
export type Times = Pick<Row, "ttft_ms" | "tpot_ms">;

/** Samples of a cell: as many as asked for, or at most so many where precision decides. */
export const mostRepeats = ({ repeats }: Pick<AnyCell, "repeats">, precision: Precision | null): number =>
  precision === null ? repeats : Math.max(repeats, precision.maxRepeats ?? 10 * repeats);

/** Whether the samples taken tell the medians of a cell as precisely as wanted; never, where a fixed number is. */
export function isEnough(
  taken: readonly Times[],
  { repeats }: Pick<AnyCell, "repeats">,
  precision: Precision | null,
): boolean {
  if (precision === null) return false;
  const { targetWidth } = precision;
  const fewest = Math.max(FEWEST_SAMPLES, repeats);
  return (["ttft_ms", "tpot_ms"] as const).every((name) => {
    const values = taken.map((times) => times[name]).filter((value) => value != null);
    // One new token has no time per token after the first.
    return (name === "tpot_ms" && values.length === 0) || isPrecise(values, { targetWidth, fewest });
  });
}
