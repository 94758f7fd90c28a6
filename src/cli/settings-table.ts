import type { ColumnTable } from "arquero";
import { CELL_COLUMNS } from "../analyze/index.js";
import { show } from "../notebook/display.js";

/** Columns of settings that say nothing as all rows agree in them; model and length stay. */
export function settingsThatDiffer(table: ColumnTable): string[] {
  const settings = new Set<string>([...CELL_COLUMNS, "memory_limit_bytes"]);
  return table
    .columnNames()
    .filter(
      (name) =>
        settings.has(name) &&
        (name === "model" ||
          name === "prompt_tokens" ||
          new Set(Array.from(table.array(name) as unknown[], (value) => JSON.stringify(value))).size > 1),
    );
}

/** Prints the settings in which rows differ, and these columns, in so many digits as matter. */
export async function showSettings(table: ColumnTable, columns: readonly string[]): Promise<void> {
  const names = [...settingsThatDiffer(table), ...columns].filter((name) =>
    table.columnNames().includes(name),
  );
  await show(table.select(names));
}
