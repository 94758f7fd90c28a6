import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { studentQuantile } from "../stats/index.js";
import { tableOfRows } from "./crossover-table.js";
import { refuseIncomparable } from "./crossover.js";
import type { SampleSeries } from "./samples.js";
import { labelPair } from "./series-label.js";
import { mean, sharedLengths, type SharedLength } from "./shared-lengths.js";

/** Which samples are pairs, and how intervals are drawn. */
export interface DifferenceOptions {
  /** Whether samples of equal `repeat` were taken side by side (see `InterpolatedOptions`); default false. */
  paired?: boolean;
  /** Of each interval, for its length alone; default 0.95. */
  confidence?: number;
  /** Allow series of two devices; by default they are refused. */
  acrossDevices?: boolean;
}

/**
 * How two series differ at each length that both measured: a row a length with the means `a_mean` and `b_mean` in the
 * metric's unit, `difference` (a − b) with the interval of Student's t (of the pairs, or Welch's of the two means),
 * `ratio` (a over b, null for b = 0), and `lower`, null where the interval holds 0 or single samples give none.
 *
 * @example
 * differencesByLength(qwen, mamba).print();
 */
export function differencesByLength(
  a: SampleSeries,
  b: SampleSeries,
  { paired = false, confidence = 0.95, acrossDevices = false }: DifferenceOptions = {},
): ColumnTable {
  if (!(confidence > 0 && confidence < 1))
    throw new UserError(`confidence is ${confidence}: it must be between 0 and 1, such as 0.95`);
  refuseIncomparable(a, b, acrossDevices);
  const [aLabel, bLabel] = labelPair(a.series, b.series);
  const rows = sharedLengths(a, b, paired).map((shared) => {
    const [aMean, bMean] = [mean(shared.a), mean(shared.b)];
    const difference = aMean - bMean;
    const half = paired ? pairedHalf(shared, confidence) : welchHalf(shared, confidence);
    const separate = half !== null && Math.abs(difference) > half;
    return {
      prompt_tokens: shared.length,
      a: aLabel,
      b: bLabel,
      metric: a.metric,
      unit: a.unit,
      a_mean: aMean,
      b_mean: bMean,
      a_n: shared.a.length,
      b_n: shared.b.length,
      difference,
      difference_lo: half === null ? null : difference - half,
      difference_hi: half === null ? null : difference + half,
      ratio: bMean === 0 ? null : aMean / bMean,
      lower: separate ? (difference < 0 ? aLabel : bLabel) : null,
    };
  });
  return tableOfRows(rows);
}

/** Half the width of the interval of the mean of the pairs' differences; null of a single pair. */
function pairedHalf({ a, b }: SharedLength, confidence: number): number | null {
  if (a.length < 2) return null;
  const error = squaredError(a.map((value, i) => value - b[i]!));
  return studentQuantile((1 + confidence) / 2, a.length - 1) * Math.sqrt(error);
}

/** Half the width of Welch's interval (1947) of the difference of two means; null if one is of a single sample. */
function welchHalf({ a, b }: SharedLength, confidence: number): number | null {
  if (a.length < 2 || b.length < 2) return null;
  const [aError, bError] = [squaredError(a), squaredError(b)];
  const total = aError + bError;
  if (total === 0) return 0;
  const degreesOfFreedom = total ** 2 / (aError ** 2 / (a.length - 1) + bError ** 2 / (b.length - 1));
  return studentQuantile((1 + confidence) / 2, degreesOfFreedom) * Math.sqrt(total);
}

/** The squared standard error of a mean, s²/n. */
function squaredError(values: readonly number[]): number {
  const centre = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - centre) ** 2, 0);
  return squares / (values.length - 1) / values.length;
}
