import { Command, Option } from "commander";

interface Flags {
  json?: true;
  csv?: true;
}

const HELP = `
All rows are the view "rows": every column of data/README.md, and "file", where a row came from. A campaign folder is a view
by its name too. The language is DuckDB's.

Examples:
  ssm-scope query "select model, prompt_tokens, median(ttft_ms) from rows where status = 'ok' group by all order by all" out/a
  ssm-scope query "select campaign, verdict, count(*) from rows group by all" out --csv`;

export function queryCommand(): Command {
  return new Command("query")
    .description("ask one or many campaigns in SQL")
    .argument("<sql>", 'e.g. "select model, median(ttft_ms) from rows group by all"')
    .argument("<rows...>", "campaign folders, folders of them, or files of rows")
    .option("--json", "one JSON object a row, for programs")
    .addOption(new Option("--csv", "comma-separated values, with a header").conflicts("json"))
    .addHelpText("after", HELP)
    .action(async (sql: string, paths: string[], { json, csv }: Flags) => {
      const { query, tableToCsv } = await import("../record/index.js");
      const table = await query(sql, paths);
      if (json) for (const row of table.objects()) console.log(JSON.stringify(row));
      else if (csv) process.stdout.write(tableToCsv(table));
      else {
        const { tableView, textTable } = await import("../notebook/table-view.js");
        console.log(textTable(tableView(table, Infinity)));
      }
    });
}
