import { Command } from "commander";
import { UserError } from "../errors.js";
import type { ClaimResult, ClaimVerdict } from "../claims/index.js";
import { EXIT, ExitError } from "./exit.js";
import { parseList } from "./parse.js";

interface Flags {
  only?: string[];
  verdict?: string[];
  strict?: true;
  json?: true;
}

const HELP = `
Without a campaign the paper's published rows are the judge. Verdicts:
  reproduced                the rows agree: yours where they bear on the claim, else the paper's own
  contradicted-by-own-data  the paper's published rows do not give what it states
  not-reproduced-here       your rows disagree
  no-data                   rows are missing, do not bear on it (seconds of another device), or do not tell

Of another device than the paper's only ratios, shares and orders are compared, within 25 %; on the paper's device numbers within
10 %. The whole 95 % interval must lie there; fewer than 5 samples a length have none, and their median decides. A crossing or the
longest prompt agrees if the two lengths around it lie there, or are at most a factor of 2 apart with the stated length between
them. Among your rows those most like the paper's are taken: its device, the prompt in one piece, the logits of every position;
the reason says where they differ. A sentence about every length of a span, or about five tasks, takes all of them.

Examples:
  ssm-scope claims
  ssm-scope claims out/a out/b --verdict reproduced,not-reproduced-here
  ssm-scope claims out/a --only H003,W5 --strict       one claim a paragraph, and 1 unless both are reproduced`;

export function claimsCommand(): Command {
  return new Command("claims")
    .description("the paper's sentences as checks: stated, recomputed from its own rows, measured here")
    .argument("[rows...]", "campaign folders, or files of rows (default: the paper's own rows alone)")
    .option("--only <list>", "ids, e.g. H003,W5; prints each with its reason and evidence", parseList)
    .option("--verdict <list>", "only claims with one of these verdicts", parseList)
    .option("--strict", "exit with 1 unless every claim printed is reproduced, and there is one")
    .option("--json", "everything as JSON, for programs; an open end of a range is null")
    .addHelpText("after", HELP)
    .action(printClaims);
}

async function printClaims(paths: string[], { only, verdict, strict, json }: Flags): Promise<void> {
  const { describeClaim, judgeClaims } = await import("../claims/index.js");
  const { loadRows, rowsToTable, tableToRows } = await import("../record/index.js");
  const rows = paths.length > 0 ? rowsToTable(paths.flatMap((path) => tableToRows(loadRows(path)))) : null;
  if (only?.length === 0) throw new UserError("--only names no claim: it must list ids, such as H003,W5");
  const results = judgeClaims(rows, {
    ...(only && { only }),
    // Text as it was typed: judgeClaims refuses what is no verdict.
    ...(verdict && { verdict: verdict as ClaimVerdict[] }),
  });
  if (json) console.log(JSON.stringify(results, null, 2));
  else if (results.length === 0) console.log(`No claim is ${verdict!.join(" or ")}.`);
  else if (only) console.log(results.map(describeClaim).join("\n\n"));
  else await printTable(results, rows !== null);
  if (strict && (results.length === 0 || results.some((result) => result.verdict !== "reproduced")))
    throw new ExitError(EXIT.failed);
}

async function printTable(results: readonly ClaimResult[], rows: boolean): Promise<void> {
  const { claimWords } = await import("../claims/index.js");
  const { recordsTable, tableView, textTable } = await import("../notebook/table-view.js");
  const records = results.map((result) => ({
    id: result.id,
    verdict: result.verdict,
    ...claimWords(result),
    claim: result.claim,
  }));
  console.log(textTable(tableView(recordsTable(records), Infinity)));
  console.log(countWords(results, rows));
  console.log("The reason and the evidence of one: --only ID.");
}

/** Verdicts counted; with rows those of claims that they did not test, which the paper's rows gave, apart. */
function countWords(results: readonly ClaimResult[], rows: boolean): string {
  const counts = new Map<string, number>();
  for (const { verdict, judgedBy } of results) {
    const words =
      rows && verdict === "reproduced"
        ? `${verdict} ${judgedBy === "here" ? "here" : "by published rows alone"}`
        : verdict;
    counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  return [...counts].map(([words, count]) => `${count} ${words}`).join(", ");
}
