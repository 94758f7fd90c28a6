import type { ColumnTable } from "arquero";
import { summarize } from "../analyze/index.js";
import type { Row } from "../record/index.js";
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
  "verdict",
];

/** Prints medians with their 95 % intervals, one line a cell. */
export async function printSummary(table: ColumnTable): Promise<void> {
  const summary = summarize(table);
  const present = new Set(summary.columnNames());
  await show(summary.select(COLUMNS.filter((name) => present.has(name))));
}

/** Models and lengths whose last row is a failure, each with its reason; one that went well afterwards is none. */
export function failedCells(table: ColumnTable): string[] {
  const last = new Map((table.objects() as Row[]).map((row) => [row.cell, row]));
  const failed = [...last.values()].filter(({ status }) => status === "failed");
  return failed.map((row) => `${row.model}, ${row.prompt_tokens} tokens: ${row.status_reason ?? "failed"}`);
}
