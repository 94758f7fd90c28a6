import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { UserError } from "../../errors.js";
import { loadRows, rowsToTable, tableToRows } from "../../record/index.js";
import { campaignReport } from "./campaign.js";
import { reportHtml } from "./page.js";

/** Writes the report of all the rows as one page and says where it is. */
export async function writeReport(
  paths: readonly string[],
  { out, title }: { out: string; title: string },
): Promise<void> {
  const rows = paths.flatMap((path) => tableToRows(loadRows(path)));
  if (rows.length === 0) throw new UserError(`there are no rows in ${paths.join(", ")}: a report needs some`);
  const report = await campaignReport(rowsToTable(rows), title);
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, reportHtml(report));
  console.log(`Report: ${out}`);
}
