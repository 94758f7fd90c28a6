import { Command } from "commander";
import type { CampaignDiff, DiffOptions } from "../analyze/index.js";
import { EXIT, ExitError } from "./exit.js";
import { parseList, parseShare } from "./parse.js";

interface Flags {
  metric?: string[];
  tolerance?: number;
  alpha?: number;
  json?: true;
}

const HELP = `
Environments first (environment.json of each folder), then cells that one campaign lacks or that ended otherwise, then numbers:
for every setting that both measured the ratio of the medians, B over A, with its 95 % interval. A number is
  same        two one-sided tests say that it differs by less than the tolerance
  faster, slower, less, more   Welch's t of the logarithms says that it differs
  undecided   neither: more samples are needed
Both are raised for the number of comparisons (Holm). Exits with 1 when a number differs by more than the tolerance, or a cell
that both hold ended otherwise; differences of the environment alone are no failure.

Examples:
  ssm-scope diff out/before out/after
  ssm-scope diff out/a out/b --metric ttft_ms --tolerance 5%`;

export function diffCommand(): Command {
  return new Command("diff")
    .description("what differs between two campaigns: environment, cells, numbers with intervals")
    .argument("<a>", "campaign folder, or file of rows")
    .argument("<b>", "the one that is held against it")
    .option(
      "-m, --metric <list>",
      "columns to compare (default ttft_ms,tpot_ms,total_bytes,energy_j)",
      parseList,
    )
    .option("--tolerance <share>", "differences up to this are the same (default 2%)", parseShare)
    .option("--alpha <share>", "share of cases in which a statement may be wrong (default 5%)", parseShare)
    .option("--json", "everything as JSON, for programs")
    .addHelpText("after", HELP)
    .action(printDiff);
}

async function printDiff(a: string, b: string, { metric, tolerance, alpha, json }: Flags): Promise<void> {
  const { diffCampaigns } = await import("../analyze/index.js");
  const { loadCampaign } = await import("../record/index.js");
  const diff = diffCampaigns(loadCampaign(a), loadCampaign(b), {
    // Text as it was typed: diffCampaigns refuses what no row has.
    ...(metric && { metrics: metric as NonNullable<DiffOptions["metrics"]> }),
    ...(tolerance !== undefined && { sameWithin: tolerance }),
    ...(alpha !== undefined && { alpha }),
  });
  if (json) console.log(JSON.stringify(asJson(diff), null, 2));
  else await print(diff);
  if (diff.differs) throw new ExitError(EXIT.failed);
}

const asJson = ({ environment, environmentNote, cells, numbers, differs }: CampaignDiff) => ({
  environment: environment.objects(),
  environment_note: environmentNote,
  cells: cells.objects(),
  numbers: numbers.objects(),
  differs,
});

/** What a terminal has room for. */
const NUMBERS = ["metric", "a_value", "b_value", "ratio", "ratio_lo", "ratio_hi", "p_holm", "verdict"];

async function print({ environment, environmentNote, cells, numbers }: CampaignDiff): Promise<void> {
  const { show } = await import("../notebook/display.js");
  const { showSettings } = await import("./settings-table.js");
  if (environmentNote !== null) console.log(`${environmentNote}.`);
  else if (environment.numRows() === 0) console.log("The environments are the same.");
  else await show(environment.select("field", "a", "b"));
  if (cells.numRows() > 0) {
    console.log("\nCells that one lacks, or that ended otherwise:");
    await showSettings(cells, ["status_a", "status_b"]);
  }
  console.log("\nNumbers, B over A:");
  await showSettings(numbers, NUMBERS);
  const verdicts = numbers.array("verdict") as string[];
  const counts = new Map<string, number>();
  for (const verdict of verdicts) counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  console.log([...counts].map(([verdict, count]) => `${count} ${verdict}`).join(", "));
}
