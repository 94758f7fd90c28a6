import { Command } from "commander";

const HELP = `
For the shards of a sweep (\`sweep PLAN -o DIR --shard i/n\`) give DIR, or the folders. Refused, with the files: missing shards,
different machines or versions, a cell's key that means two settings, a sample that was measured twice. Rows that two
files hold word for word are taken once. OUT appears when it is whole; the shards stay as they are.

Examples:
  ssm-scope merge out/sweep -o out/all
  ssm-scope merge node1/rows.jsonl node2/rows.jsonl -o out/all`;

export function mergeCommand(): Command {
  return new Command("merge")
    .description("make one campaign of several, such as the shards of a sweep")
    .argument("<rows...>", "campaign folders, folders of them, or files of rows")
    .requiredOption("-o, --out <folder>", "the folder of the new campaign")
    .option("--partial", "some shards may be missing")
    .option("--mixed", "machines and versions may differ; each row says its own")
    .addHelpText("after", HELP)
    .action(
      async (paths: string[], { out, ...options }: { out: string; partial?: boolean; mixed?: boolean }) => {
        const { mergeCampaigns } = await import("../record/index.js");
        const { rows, repeated, hosts } = await mergeCampaigns(paths, out, options);
        const words = [
          `${rows.length} rows in ${out}`,
          ...(repeated > 0 ? [`${repeated} that were there twice left out`] : []),
          ...(hosts.length > 1 ? [`measured on ${hosts.join(", ")}`] : []),
        ];
        console.log(words.join("; "));
      },
    );
}
