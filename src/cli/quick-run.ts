import { existsSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadRows, ROWS_FILE } from "../record/index.js";
import { run, type RunOptions } from "../run/index.js";
import { campaignReport, compareAll, sentencesOf } from "./campaign-report.js";
import { reportHtml } from "./report.js";
import { printSummary } from "./summary.js";

export interface QuickOptions extends RunOptions {
  out: string;
  fresh: boolean;
}

/** Measures what `out` does not hold yet, says what follows, and writes the report. */
export async function quick({ fresh, ...options }: QuickOptions): Promise<void> {
  const { out, models, promptTokens } = options;
  setAside(join(out, ROWS_FILE), fresh);
  console.log(`Measuring ${models.join(" and ")} at ${promptTokens.join(", ")} tokens into ${out}`);
  const table = await run({ ...options, resume: true });
  await printSummary(table);
  for (const sentence of sentencesOf(compareAll(table))) console.log(sentence);
  const file = join(out, "report.html");
  writeFileSync(
    file,
    reportHtml(await campaignReport(table, "A Transformer and a state-space model on this machine")),
  );
  console.log(`Report: ${file}`);
}

/** Says what is already there; when it is to be measured anew, keeps the old rows under the time of their first. */
function setAside(file: string, fresh: boolean): void {
  if (!existsSync(file)) return;
  const taken = loadRows(file).array("measured_at") as string[];
  const stamp = (taken[0] ?? "earlier").slice(0, 19).replaceAll(":", "");
  if (fresh) renameSync(file, file.replace(/\.jsonl$/, `-${stamp}.jsonl`));
  else
    console.log(
      `${file} holds ${taken.length} rows, the first from ${taken[0] ?? "an unknown time"}; --fresh measures anew`,
    );
}
