import { Command } from "commander";
import type { CompareSettingsOptions, SeriesChoice } from "../analyze/index.js";
import { UserError } from "../errors.js";
import { collectOption, parseList, parseShare } from "./parse.js";

interface Flags {
  a: Record<string, string>;
  b: Record<string, string>;
  metric: string[];
  tolerance?: number;
  alpha?: number;
  json?: true;
}

const HELP = `
Wherever both settings were measured and asked the same, the ratio of the metric's medians, B over A, with its 95 % interval.
Samples of a sweep in blocks are compared within blocks (sign flips of the blocks' medians), others as independent ones.

Examples:
  ssm-scope compare out/sweep --a dtype=fp32 --b dtype=int8
  ssm-scope compare out/sweep --a model=qwen2.5-0.5b --b model=mamba2-780m --metric ttft_ms,total_bytes`;

export function compareCommand(): Command {
  return new Command("compare")
    .description("whether two settings are the same, different, or not yet told apart")
    .argument("<rows...>", "campaign folders, or files of rows")
    .requiredOption("--a <column=value>", "the one setting; may be repeated", collectOption)
    .requiredOption("--b <column=value>", "the other; may be repeated", collectOption)
    .option("-m, --metric <list>", "columns to compare", parseList, ["ttft_ms"])
    .option("--tolerance <share>", "differences up to this are the same (default 2%)", parseShare)
    .option("--alpha <share>", "share of cases in which a statement may be wrong (default 5%)", parseShare)
    .option("--json", "as JSON, for programs")
    .addHelpText("after", HELP)
    .action(printComparison);
}

async function printComparison(
  paths: string[],
  { a, b, metric, tolerance, alpha, json }: Flags,
): Promise<void> {
  const { compareSettings } = await import("../analyze/index.js");
  const { COLUMNS, loadRows, rowsToTable, tableToRows } = await import("../record/index.js");
  const choice = (told: Record<string, string>): SeriesChoice =>
    Object.fromEntries(Object.entries(told).map(([name, text]) => [name, valueOf(name, text)]));
  const valueOf = (name: string, text: string): string | number | boolean => {
    if (!Object.hasOwn(COLUMNS, name)) throw new UserError(`"${name}" is no column of the rows`);
    const { type } = COLUMNS[name as keyof typeof COLUMNS];
    if (type === "number") return Number(text);
    return type === "boolean" ? text === "true" : text;
  };
  const rows = rowsToTable(paths.flatMap((path) => tableToRows(loadRows(path))));
  const tables = metric.map((name) =>
    compareSettings(rows, {
      // Text as it was typed: compareSettings refuses what is no metric.
      metric: name as CompareSettingsOptions["metric"],
      a: choice(a),
      b: choice(b),
      ...(tolerance !== undefined && { sameWithin: tolerance }),
      ...(alpha !== undefined && { alpha }),
    }),
  );
  if (json) {
    console.log(
      JSON.stringify(
        tables.flatMap((table) => table.objects()),
        null,
        2,
      ),
    );
    return;
  }
  const { showSettings } = await import("./settings-table.js");
  const columns = ["metric", "a_value", "b_value", "ratio", "ratio_lo", "ratio_hi", "method", "n", "p_holm"];
  for (const table of tables) await showSettings(table, [...columns, "verdict", "better"]);
}
