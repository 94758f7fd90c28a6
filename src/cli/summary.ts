import type { ColumnTable } from "arquero";
import { summarize } from "../analyze/index.js";
import { show } from "../notebook/display.js";

/** What a terminal has room for. */
const COLUMNS = [
  "model",
  "prompt_tokens",
  "status",
  "ttft_ms",
  "ttft_ms_lo",
  "ttft_ms_hi",
  "ttft_ms_n",
  "tpot_ms",
  "total_bytes",
];

/** Prints medians with their 95 % intervals, one line a cell. */
export async function printSummary(table: ColumnTable): Promise<void> {
  const summary = summarize(table);
  const present = new Set(summary.columnNames());
  await show(summary.select(COLUMNS.filter((name) => present.has(name))));
}
