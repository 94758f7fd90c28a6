import type { ColumnName } from "../record/schema.js";

/** Whether more of a metric is better: of rates and scores. Of times, joules and bytes less is. */
export function isMoreBetter(metric: ColumnName): boolean {
  return metric.endsWith("_per_s") || metric === "accuracy_pct" || metric === "max_prompt_tokens";
}
