import { AssertionError } from "node:assert";
import {
  closedEnds,
  crossoverOf,
  describeCrossover,
  type Crossover,
  type SeriesChoice,
  type TableOptions,
} from "../analyze/index.js";
import { loadPaper, tableToRows, type ColumnName, type Row, type Rows } from "../record/index.js";

/** A crossover found, to be asserted. Every method throws an AssertionError that says what was found. */
export interface CrossoverExpectation {
  readonly result: Crossover;
  /**
   * They cross once in the measured lengths, and for certain at `from` to `to` tokens: the whole interval lies there. Of
   * single samples without a fit, which have no interval, the two lengths around the crossing do.
   */
  between(from: number, to: number): CrossoverExpectation;
  /** The same of the estimate alone, however wide its interval is. */
  estimateBetween(from: number, to: number): CrossoverExpectation;
  /** One is lower at every measured length, wherever the curves may cross outside; with a name, that one. */
  none(lower?: string): CrossoverExpectation;
  /** They cross once in the measured lengths, and beyond it this one is lower. */
  lowerAbove(model: string): CrossoverExpectation;
}

/**
 * Where two models cross, as a test. Without rows those of the paper's Figures 5a, 6a and 6b are taken, which no profiler
 * slowed down. Models are named, or singled out by columns as in `crossoverOf`, whose options (`method`, `confidence`, …)
 * are the last argument.
 *
 * UserError, not AssertionError, where the rows cannot be compared.
 *
 * @example
 * expectCrossover("qwen2.5-0.5b", "mamba2-780m", "ttft_ms").estimateBetween(24576, 32768);
 * expectCrossover("qwen2.5-0.5b", "mamba2-780m", "ttft_ms", rows).between(16384, 32768).lowerAbove("mamba2-780m");
 */
export function expectCrossover(
  a: SeriesChoice,
  b: SeriesChoice,
  metric: ColumnName,
  rows?: Rows | null,
  options: Omit<TableOptions, "metric"> = {},
): CrossoverExpectation {
  const own = rows ?? paperSweeps(metric);
  const result = crossoverOf(own, { ...options, metric, a, b });
  const expect = (holds: boolean, expected: string): CrossoverExpectation => {
    if (holds) return expectation;
    const found = describeCrossover(result);
    throw new AssertionError({
      message: `expected ${expected}, found: ${found}`,
      actual: found,
      expected,
      operator: "expectCrossover",
    });
  };
  const lower = lowerThroughout(result);
  const expectation: CrossoverExpectation = {
    result,
    between: (from, to) =>
      expect(
        result.state === "crossing" && isWithin(closedEnds(result, result), from, to),
        `one crossing between ${from} and ${to} tokens, with its interval`,
      ),
    estimateBetween: (from, to) =>
      expect(
        result.state === "crossing" && result.tokens >= from && result.tokens <= to,
        `one crossing between ${from} and ${to} tokens`,
      ),
    none: (model) =>
      expect(
        lower !== null && (model === undefined || isOf(lower, model)),
        model === undefined ? "no crossing in range" : `${model} lower at every measured length`,
      ),
    lowerAbove: (model) =>
      expect(
        result.state === "crossing" && isOf(result.lowerAbove, model),
        `one crossing with ${model} lower above`,
      ),
  };
  return expectation;
}

/** An end that is open may be anywhere. */
const isWithin = ([lo, hi]: readonly [number | null, number | null], from: number, to: number): boolean =>
  (lo ?? 0) >= from && (hi ?? Infinity) <= to;

/** The one that is lower at every measured length; null where they cross there or nothing tells. */
function lowerThroughout(result: Crossover): string | null {
  if (result.state === "none-in-range") return result.lower;
  if (result.state !== "extrapolated") return null;
  return result.tokens > result.measured[1] ? result.lowerBelow : result.lowerAbove;
}

/** The sweeps that the paper published of the RTX 4090 without a profiler: one device and setting a metric. */
function paperSweeps(metric: ColumnName): Row[] {
  const isSweep = (row: Row): boolean =>
    row.device === "rtx4090" &&
    row[metric] != null &&
    ["5a", "6a", "6b"].some((figure) => row.figure?.split(" ").includes(figure));
  return tableToRows(loadPaper()).filter(isSweep);
}

/** Whether a label is that of a model; it may tell settings as well: "qwen2.5-0.5b (bf16)". */
const isOf = (label: string, model: string): boolean => label === model || label.startsWith(`${model} (`);
