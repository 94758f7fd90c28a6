/**
 * Writes the paper's data in the schema of src/record, and the table of columns in data/README.md:
 *
 *     node --import tsx data/paper/convert.ts ../shared/reference
 *
 * The argument is the folder of the restated and audited CSVs (latency, memory, energy, operators, accuracy,
 * oom_limits, models, operators_superseded) and models.json.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rowsToTable } from "../../src/record/table.js";
import { tableToCsv } from "../../src/record/csv.js";
import { withColumns } from "../readme-columns.js";
import { publishedRows, supersededRows } from "./published-rows.js";

/** Name and text of every file this folder holds of the paper. */
export function paperFiles(reference: string): Map<string, string> {
  const read = (file: string): string => readFileSync(join(reference, file), "utf8");
  const files = Object.entries({ ...publishedRows(read), superseded: supersededRows(read) });
  return new Map(files.map(([name, rows]) => [`${name}.csv`, tableToCsv(rowsToTable(rows))]));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const reference = process.argv[2];
  if (reference === undefined) throw new Error("usage: convert.ts <reference folder>");
  for (const [name, text] of paperFiles(reference)) writeFileSync(join(import.meta.dirname, name), text);
  const readme = join(import.meta.dirname, "../README.md");
  writeFileSync(readme, withColumns(readFileSync(readme, "utf8")));
}
