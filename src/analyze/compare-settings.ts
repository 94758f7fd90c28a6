import { from, type ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import type { ColumnName } from "../record/schema.js";
import { median } from "../stats/index.js";
import { isMoreBetter } from "./better.js";
import { decideDifferences, differenceOptions, type DifferenceOptions } from "./decide-difference.js";
import { cellsOf, choiceLabel, keyOf, onlyCell, pairColumns, selectCells, type Cell } from "./pairing.js";
import type { SeriesChoice } from "./pick-series.js";
import { required } from "./resampling.js";
import { inWords, type Rows } from "./rows.js";

/** Which two settings are compared, by what. */
export interface CompareSettingsOptions extends DifferenceOptions {
  metric: ColumnName;
  /** A model, or values of columns such as `{ dtype: "fp32" }`; the other settings are paired. */
  a: SeriesChoice;
  b: SeriesChoice;
}

/**
 * Whether setting b is the same as setting a or different, wherever both were measured: a row for each pair of cells that were
 * asked the same, with the columns that tell pairs apart, `a`, `b`, `metric`, the medians `a_value` and `b_value`, `ratio` (b
 * over a) with `ratio_lo` and `ratio_hi`, `method`, `n`, `p`, `p_holm`, `p_same`, `p_same_holm`, `verdict` and `better`.
 *
 * Samples that say the block of the sweep they were taken in are compared within blocks, in which the machine was the same
 * for both: sign flips of the logarithms of the ratios of the blocks' medians. Others are independent: Welch's t of the
 * logarithms. `verdict` is `same` where the two differ by at most `sameWithin` (two one-sided tests), `different` where they
 * do differ, else `undecided`: then more samples are needed. Both are raised by Holm's method for all rows of the table;
 * intervals are of each row alone. Five blocks or fewer never tell `different`: by chance all five agree in 1 of 16.
 *
 * UserError for a setting that is not there, is several cells at one length, or shares none with the other.
 *
 * @example
 * compareSettings(rows, { metric: "ttft_ms", a: { dtype: "fp32" }, b: { dtype: "int8" } }).print();
 */
export function compareSettings(given: Rows, options: CompareSettingsOptions): ColumnTable {
  const { metric, a, b } = required(options, "metric, a and b");
  const settled = differenceOptions(options);
  const cells = cellsOf(given, metric);
  const columns = pairColumns([a, b]);
  const pairs = pairsOf(selectCells(cells, a), selectCells(cells, b), columns, [a, b]);
  const told = columns.filter((name) => cells.some(({ key }) => key[name] != null));
  const decided = decideDifferences(pairs, settled);
  return from(
    pairs.map((pair, i) => ({
      ...Object.fromEntries(told.map((name) => [name, pair.a.key[name] ?? null])),
      metric,
      a: choiceLabel(a),
      b: choiceLabel(b),
      a_value: median(pair.a.samples),
      b_value: median(pair.b.samples),
      ...withoutVerdict(decided[i]!),
      verdict: decided[i]!.verdict,
      better: betterOf(decided[i]!, metric),
    })),
  );
}

const withoutVerdict = <T extends { verdict: unknown }>({ verdict: _, ...rest }: T): Omit<T, "verdict"> =>
  rest;

/** Which of the two is better where they differ. */
function betterOf(
  { verdict, ratio }: { verdict: string; ratio: number | null },
  metric: ColumnName,
): "a" | "b" | null {
  if (verdict !== "different" || ratio === null) return null;
  return ratio > 1 === isMoreBetter(metric) ? "b" : "a";
}

function pairsOf(
  ofA: readonly Cell[],
  ofB: readonly Cell[],
  columns: readonly ColumnName[],
  [a, b]: readonly [SeriesChoice, SeriesChoice],
): { a: Cell; b: Cell }[] {
  if (ofA.some((cell) => ofB.includes(cell)))
    throw new UserError(`${inWords(a)} and ${inWords(b)} name the same cells: name what they differ in`);
  const keys = [...new Set(ofA.map((cell) => keyOf(cell, columns)))];
  const with_ = (cells: readonly Cell[], key: string): Cell[] =>
    cells.filter((cell) => keyOf(cell, columns) === key);
  const pairs = keys.flatMap((key) => {
    const matching = with_(ofB, key);
    return matching.length === 0 ? [] : [{ a: onlyCell(with_(ofA, key), a), b: onlyCell(matching, b) }];
  });
  if (pairs.length === 0)
    throw new UserError(
      `${inWords(a)} is nowhere compared with ${inWords(b)}: no two cells agree in ${columns.join(", ")}`,
    );
  return pairs;
}
