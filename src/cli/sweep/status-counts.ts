import type { ColumnTable } from "arquero";
import type { Row } from "../../record/index.js";

/** How many cells ended in which status: that of a cell's last row, and ok where any of its times was measured. */
export function statusCounts(table: ColumnTable): Record<string, number> {
  const last = new Map<string, string>();
  for (const { kind, cell, status } of table.objects() as Row[])
    if (kind === "latency" && last.get(cell ?? "") !== "ok") last.set(cell ?? "", status ?? "ok");
  const counts: Record<string, number> = {};
  for (const status of last.values()) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}
