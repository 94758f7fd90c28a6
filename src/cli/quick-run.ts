import { existsSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../errors.js";
import { readJsonLines, ROWS_FILE, type Row } from "../record/index.js";
import { plan, run, type RunOptions } from "../run/index.js";
import { EXIT, ExitError } from "./exit.js";
import { campaignReport } from "./report/campaign.js";
import { reportHtml } from "./report/page.js";
import { failedCells, printSummary } from "./summary.js";

export interface QuickOptions extends RunOptions {
  promptTokens: readonly number[];
  out: string;
  fresh: boolean;
  signal: AbortSignal;
}

/** Measures what `out` does not hold yet, says what follows, and writes the report. */
export async function quick({ fresh, ...options }: QuickOptions): Promise<void> {
  const { out, models, promptTokens, signal } = options;
  const file = join(out, ROWS_FILE);
  if (existsSync(file)) prepare(file, options, fresh);
  console.log(
    `Measuring ${models.map((model) => (typeof model === "string" ? model : model.name)).join(" and ")} at ${promptTokens.join(", ")} tokens into ${out}`,
  );
  const table = await run({ ...options, resume: true });
  await printSummary(table);
  const report = await campaignReport(table, "A Transformer and a state-space model on this machine");
  for (const sentence of report.crossovers) console.log(sentence);
  signal.throwIfAborted();
  const page = join(out, "report.html");
  writeFileSync(page, reportHtml(report));
  console.log(`Report: ${page}`);
  const failed = failedCells(table);
  for (const reason of failed) console.error(reason);
  if (failed.length > 0) throw new ExitError(EXIT.failed);
}

/** Deals with the rows that are there: kept under another name, gone on with, or refused as somebody else's. */
function prepare(file: string, options: RunOptions, fresh: boolean): void {
  const { rows } = readJsonLines(file);
  const since = rows[0]?.measured_at ?? "an unknown time";
  if (fresh) {
    renameSync(file, file.replace(/\.jsonl$/, `-${since.slice(0, 19).replaceAll(":", "")}.jsonl`));
    return;
  }
  if (!belongs(rows, options))
    throw new UserError(
      `${file} holds another campaign; choose another folder (--out), or --fresh to keep it under another name`,
    );
  if (rows.length > 0)
    console.log(`${file} holds ${rows.length} rows, the first from ${since}; --fresh measures anew`);
}

function belongs(rows: readonly Row[], options: RunOptions): boolean {
  const keys = new Set(plan(options).map(({ key }) => key));
  return rows.every(({ cell }) => keys.has(cell ?? ""));
}
