import type { ColumnTable } from "arquero";
import { RUN_COLUMNS, type Series } from "./columns.js";
import { columnValues, isOk } from "./rows.js";

/** What is known of a length under a budget of memory. */
export interface BudgetedRun {
  budgetBytes: number;
  /** A length in tokens that ran. */
  ran: number | null;
  /** A length that did not. */
  failed: number | null;
}

/** Whether two series are of the same model, expressed and run the same way, whatever was read of them. */
export function isSameRun(a: Series, b: Series): boolean {
  return RUN_COLUMNS.every((name) => a[name] === undefined || b[name] === undefined || a[name] === b[name]);
}

/**
 * What rows say of a series under budgets: samples that succeeded or ran out of memory under a `memory_limit_bytes`, and
 * rows of kind limit, which hold the result of a search.
 */
export function runsUnderBudget(table: ColumnTable, series: Series): BudgetedRun[] {
  const read = (name: string): readonly unknown[] => columnValues(table, name);
  const budgets = read("memory_limit_bytes");
  const [statuses, lengths] = [read("status"), read("prompt_tokens")];
  const [longest, next] = [read("max_prompt_tokens"), read("next_prompt_tokens")];
  const columns = RUN_COLUMNS.map((name) => [name, read(name)] as const);
  return budgets.flatMap((budget, row): BudgetedRun[] => {
    if (typeof budget !== "number") return [];
    const of = Object.fromEntries(
      columns.map(([name, values]) => [name, values[row] ?? undefined]),
    ) as Series;
    if (!isSameRun(series, of)) return [];
    const length = numberAt(lengths, row);
    if (statuses[row] === "oom") return [{ budgetBytes: budget, ran: null, failed: length }];
    if (!isOk(statuses[row])) return [];
    return [{ budgetBytes: budget, ran: numberAt(longest, row) ?? length, failed: numberAt(next, row) }];
  });
}

const numberAt = (values: readonly unknown[], row: number): number | null => {
  const value = values[row];
  return typeof value === "number" ? value : null;
};
