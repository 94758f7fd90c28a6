import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import type { ColumnName } from "../record/schema.js";
import { comparedRow, readPair, type ChoiceOptions, type ComparedRow } from "./compared-row.js";
import { tableOfRows } from "./crossover-table.js";
import { chosen, chosenRows, type SeriesChoice } from "./pick-series.js";
import { required } from "./resampling.js";
import { columnValues, inWords, tableOf, takeRows, type Rows } from "./rows.js";

/** The third variable, the two series, and how they are compared. */
export type CrossoverByOptions = ChoiceOptions & {
  /** The column whose values the crossover is followed over, such as batch, dtype or lowering. */
  by: ColumnName;
};

/**
 * The crossover of two models as a function of a third variable: a row a value of `by`, in ascending order, with the
 * columns of `crossoverMatrix`. A model that has no value of `by` at all (a Transformer has no lowering) is compared
 * with every value of the other. Each row's confidence is its own, as in `crossoverMatrix`.
 *
 * UserError if `by` does not vary, or if the two can be compared at none of its values: then with every reason.
 *
 * @example
 * crossoverBy(table, { by: "batch", metric: "ttft_ms", a: "qwen2.5-0.5b", b: "mamba2-780m" }).print();
 */
export function crossoverBy(given: Rows, asked: CrossoverByOptions): ColumnTable {
  const { by, ...options } = required(asked, "metric, a, b and by");
  const table = tableOf(given);
  const { a, b } = options;
  const values = columnValues(table, by);
  const sides = [a, b].map((choice) => chosenRows(table, choice));
  const distinct = [...new Set(sides.flat().flatMap((row) => values[row] ?? []))].sort(ascending);
  if (distinct.length < 2)
    throw new UserError(
      `${by} is ${distinct.length === 0 ? "absent" : inWords(distinct[0])} in every row of the two: ` +
        `a crossover by ${by} needs two values or more`,
    );
  const rows = distinct.map((value) => {
    const alike = sides.flatMap((side) => {
      const without = side.every((row) => values[row] == null);
      return without ? side : side.filter((row) => values[row] === value);
    });
    return { [by]: value, ...rowAt(takeRows(table, alike), options) };
  });
  if (rows.every(({ problem }) => problem !== null))
    throw new UserError(
      `the two can be compared at no ${by}: ` +
        rows.map(({ problem }, i) => `at ${inWords(distinct[i])}, ${problem ?? ""}`).join("; "),
    );
  return tableOfRows(rows);
}

function rowAt(table: ColumnTable, options: ChoiceOptions): ComparedRow {
  const words = (choice: SeriesChoice): string => chosen(choice).model ?? "";
  try {
    const [a, b] = readPair(table, options);
    return comparedRow(a, b, options);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { a: words(options.a), b: words(options.b), says: null, problem: error.message };
  }
}

/** Numbers by size, texts by letter. */
function ascending(p: unknown, q: unknown): number {
  return typeof p === "number" && typeof q === "number" ? p - q : String(p).localeCompare(String(q));
}
