import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { ColumnTable } from "arquero";
import { loadRows, rowsToTable, tableToRows } from "../../src/record/index.js";

/** Where a campaign of ours lies. */
export const folderOf = (machine: "h200" | "cpu", name: string): string =>
  join(import.meta.dirname, "..", machine, name);

/**
 * The rows of a campaign of ours, with those of its later parts (`latency-2`, ...), as rows of one campaign; null where it
 * was not taken.
 */
export function campaign(machine: "h200" | "cpu", name: string): ColumnTable | null {
  const part = new RegExp(`^${name}(-\\d+)?$`);
  const parts = readdirSync(folderOf(machine, "."))
    .filter((folder) => part.test(folder))
    .sort();
  if (parts.length === 0) return null;
  const rows = together(...parts.map((folder) => loadRows(folderOf(machine, folder))));
  return rows.assign(rowsToTable(tableToRows(rows).map((row) => ({ ...row, campaign: name }))));
}

/**
 * The rows of several campaigns. What one kind of rows says of a cell comes from the first campaign that has it: they were
 * measured on several cards, and samples of two cards are not of one cell.
 */
export function together(...campaigns: readonly ColumnTable[]): ColumnTable {
  const taken = new Set<string>();
  return rowsToTable(
    campaigns.flatMap((table) => {
      const rows = tableToRows(table).filter(({ kind, cell }) => !taken.has(`${kind} ${cell}`));
      for (const { kind, cell } of rows) taken.add(`${kind} ${cell}`);
      return rows;
    }),
  );
}
