import { Command, Option } from "commander";
import type { ExportFormat } from "../record/index.js";

const HELP = `
JSON lines stay the truth; the export is a copy for other tools, with the schema's columns and types (data/README.md).

Examples:
  ssm-scope export out/a out/b -o all.parquet
  ssm-scope export out/sweep -o sweep.csv               all campaigns below a folder`;

export function exportCommand(): Command {
  return new Command("export")
    .description("write the rows of campaigns as one Parquet, Arrow, CSV or JSON-lines file")
    .argument("<rows...>", "campaign folders, folders of them, or files of rows")
    .requiredOption("-o, --out <file>", "where to write; its extension is the format")
    .addOption(
      new Option("--format <name>", "the format, whatever the extension").choices([
        "parquet",
        "arrow",
        "csv",
        "jsonl",
      ]),
    )
    .addHelpText("after", HELP)
    .action(async (paths: string[], { out, format }: { out: string; format?: ExportFormat }) => {
      const { exportRows } = await import("../record/index.js");
      const rows = await exportRows(paths, out, format ? { format } : {});
      console.log(`${rows} rows in ${out}`);
    });
}
