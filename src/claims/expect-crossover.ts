import { AssertionError } from "node:assert";
import type { ColumnTable } from "arquero";
import {
  crossoverOf,
  describeCrossover,
  type Crossover,
  type SeriesChoice,
  type TableOptions,
} from "../analyze/index.js";
import { rowsToTable, type ColumnName, type Row } from "../record/index.js";

/** A crossover found, to be asserted. Every method throws an AssertionError that says what was found. */
export interface CrossoverExpectation {
  readonly result: Crossover;
  /** They cross once in the measured lengths, at `from` to `to` tokens. */
  between(from: number, to: number): CrossoverExpectation;
  /** One is lower at every measured length; with a name, that one. */
  none(lower?: string): CrossoverExpectation;
  /** They cross once in the measured lengths, and beyond it this one is lower. */
  lowerAbove(model: string): CrossoverExpectation;
}

/**
 * Where two models of your rows cross, as a test. Models are named, or singled out by columns as in `crossoverOf`,
 * whose options (`method`, `confidence`, …) are the last argument.
 *
 * UserError, not AssertionError, where the rows cannot be compared.
 *
 * @example
 * expectCrossover("qwen2.5-0.5b", "mamba2-780m", "ttft_ms", rows).between(16384, 32768).lowerAbove("mamba2-780m");
 */
export function expectCrossover(
  a: SeriesChoice,
  b: SeriesChoice,
  metric: ColumnName,
  rows: ColumnTable | readonly Row[],
  options: Omit<TableOptions, "metric"> = {},
): CrossoverExpectation {
  const table = isRows(rows) ? rowsToTable(rows) : rows;
  const result = crossoverOf(table, { ...options, metric, a, b });
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
  const expectation: CrossoverExpectation = {
    result,
    between: (from, to) =>
      expect(
        result.state === "crossing" && result.tokens >= from && result.tokens <= to,
        `one crossing between ${from} and ${to} tokens`,
      ),
    none: (lower) =>
      expect(
        result.state === "none-in-range" && (lower === undefined || isOf(result.lower, lower)),
        lower === undefined ? "no crossing in range" : `${lower} lower at every measured length`,
      ),
    lowerAbove: (model) =>
      expect(
        result.state === "crossing" && isOf(result.lowerAbove, model),
        `one crossing with ${model} lower above`,
      ),
  };
  return expectation;
}

/** Whether a label is that of a model; it may tell settings as well: "qwen2.5-0.5b (bf16)". */
const isOf = (label: string, model: string): boolean => label === model || label.startsWith(`${model} (`);

const isRows = (rows: ColumnTable | readonly Row[]): rows is readonly Row[] => Array.isArray(rows);
