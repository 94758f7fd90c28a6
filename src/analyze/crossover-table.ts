import { table, type ColumnTable } from "arquero";
import { closedEnds, crossingsOf, type Crossing, type Crossover } from "./crossover-result.js";

/** A result in columns. Lengths are prompt tokens; what a state does not have is null. */
export interface CrossoverRow {
  metric: string;
  unit: string;
  method: string;
  a: string;
  b: string;
  state: Crossover["state"];
  /** Of a state that is not separable. */
  reason: string | null;
  /** How many crossings the result states. */
  crossings: number;
  tokens: number | null;
  /** Ends of the interval; null where it is open. */
  tokens_lo: number | null;
  tokens_hi: number | null;
  /** Share of the replicates that cross so, or, without a crossing, at all. */
  share: number | null;
  /** Who is lower on either side of the crossing; without one, who is lower throughout. */
  lower_below: string | null;
  lower_above: string | null;
  shortest_tokens: number;
  longest_tokens: number;
  confidence: number;
}

/**
 * Results as a table to look at, a row a crossing, and a row for a result without one.
 *
 * @example
 * crossoverTable([crossover(qwen, mamba)]).print();
 */
export function crossoverTable(results: readonly Crossover[]): ColumnTable {
  return tableOfRows(
    results.flatMap((result) => {
      const crossings = crossingsOf(result);
      return crossings.length === 0
        ? [crossoverRow(result)]
        : crossings.map((one) => crossoverRow(result, one));
    }),
  );
}

/** A result as one row; of several crossings the last, beyond which the order stays. */
export function crossoverRow(
  result: Crossover,
  crossing: Crossing | undefined = crossingsOf(result).at(-1),
): CrossoverRow {
  const { metric, unit, method, a, b, state, measured, confidence } = result;
  const [lo, hi] = crossing ? closedEnds(result, crossing) : [null, null];
  const throughout = state === "none-in-range" ? result.lower : null;
  return {
    metric,
    unit,
    method,
    a,
    b,
    state,
    reason: state === "not-separable" ? result.reason : null,
    crossings: crossingsOf(result).length,
    tokens: crossing?.tokens ?? null,
    tokens_lo: lo,
    tokens_hi: hi,
    share: crossing?.share ?? ("share" in result ? result.share : null),
    lower_below: crossing?.lowerBelow ?? throughout,
    lower_above: crossing?.lowerAbove ?? throughout,
    shortest_tokens: measured[0],
    longest_tokens: measured[1],
    confidence,
  };
}

/** Rows of equal columns as a table; what a row leaves out is null. */
export function tableOfRows(rows: readonly object[]): ColumnTable {
  const names = [...new Set(rows.flatMap(Object.keys))];
  const cell = (row: object, name: string): unknown => (row as Record<string, unknown>)[name] ?? null;
  return table(Object.fromEntries(names.map((name) => [name, rows.map((row) => cell(row, name))])));
}
