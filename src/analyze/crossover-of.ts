import { comparePair, readPair, type ChoiceOptions } from "./compared-row.js";
import type { Crossover } from "./crossover-result.js";
import type { Rows } from "./rows.js";

/**
 * The crossover of two series of a table, by their fits or, with `method: "interpolated"`, by their samples alone.
 * UserError if a choice meets no series or several, and for what `fitScaling` and `crossover` refuse.
 *
 * @example
 * describeCrossover(crossoverOf(table, { metric: "ttft_ms", a: "qwen2.5-0.5b", b: "mamba2-780m" }));
 */
export function crossoverOf(table: Rows, options: ChoiceOptions): Crossover {
  const [a, b] = readPair(table, options);
  return comparePair(a, b, options);
}
