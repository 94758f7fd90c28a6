import { Command } from "commander";

const HELP = `
One self-contained page: crossover sentences, figures, measurements, crossovers, fits, the paper's claims, machine and settings. It
works offline, prints, and asks the network for nothing.

Examples:
  ssm-scope report out/quick
  ssm-scope report out/mine out/theirs -o both.html --title "Two campaigns"`;

export function reportCommand(): Command {
  return new Command("report")
    .description("write rows up as an interactive page that works offline")
    .argument("<rows...>", "campaign folders, or files of rows")
    .option("-o, --out <file>", "where to write", "report.html")
    .option("--title <text>", "heading of the page", "From which context length on, on this machine?")
    .addHelpText("after", HELP)
    .action(async (paths: string[], flags: { out: string; title: string }) => {
      const { writeReport } = await import("./report/write.js");
      await writeReport(paths, flags);
    });
}
