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

/** The same of a cell's energy. */
const ENERGY_COLUMNS = [
  "model",
  "prompt_tokens",
  "phase",
  "status",
  "energy_j",
  "energy_j_lo",
  "energy_j_hi",
  "energy_j_n",
  "verdict",
];

const LIMIT_COLUMNS = ["model", "memory_limit_bytes", "status", "max_prompt_tokens", "next_prompt_tokens"];

/** Prints medians with their 95 % intervals, one line a cell; energies and limits in tables of their own. */
export async function printSummary(table: ColumnTable): Promise<void> {
  const times = table.filter((row: Row) => row.kind !== "energy" && row.kind !== "limit").reify();
  if (times.numRows() > 0) await showSummary(times, COLUMNS);
  const limits = table.filter((row: Row) => row.kind === "limit").reify();
  if (limits.numRows() > 0) await show(limits.select(present(limits, LIMIT_COLUMNS)));
  const energies = table.filter((row: Row) => row.kind === "energy").reify();
  if (energies.numRows() === 0) return;
  await showSummary(energies, ENERGY_COLUMNS);
  for (const reason of new Set((energies.objects() as Row[]).map(({ status_reason }) => status_reason)))
    if (reason != null) console.log(`energy is unknown: ${reason}`);
}

async function showSummary(table: ColumnTable, columns: readonly string[]): Promise<void> {
  const summary = summarize(table);
  await show(summary.select(present(summary, columns)));
}

const present = (table: ColumnTable, columns: readonly string[]): string[] =>
  columns.filter((name) => table.columnNames().includes(name));

/** Models and lengths whose last row is a failure, each with its reason; one that went well afterwards is none. */
export function failedCells(table: ColumnTable): string[] {
  const last = new Map((table.objects() as Row[]).map((row) => [row.cell, row]));
  const failed = [...last.values()].filter(({ status }) => status === "failed" || status === "timeout");
  return failed.map((row) => `${row.model}, ${row.prompt_tokens} tokens: ${row.status_reason ?? "failed"}`);
}
