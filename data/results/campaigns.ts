import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ColumnTable } from "arquero";
import { loadRows } from "../../src/record/index.js";

/** The rows of a campaign of ours; null where it was not taken. */
export function campaign(machine: "h200" | "cpu", name: string): ColumnTable | null {
  const folder = join(import.meta.dirname, "..", machine, name);
  return existsSync(folder) ? loadRows(folder) : null;
}
