import { Command, InvalidArgumentError, Option } from "commander";

const FORMATS = ["svg", "png", "json"] as const;
export type Format = (typeof FORMATS)[number];

export interface FiguresFlags {
  /** Default: rows where they are given, else paper. */
  source?: "paper" | "rows" | "both";
  rows?: string;
  out: string;
  format: Format[];
}

export function figuresCommand(): Command {
  return new Command("figures")
    .description("draw figures of the paper from its own data or from your rows")
    .argument("[names...]", "figures, e.g. fig1 (default: all there are)")
    .addOption(
      new Option("--source <which>", "whose data (default: rows if --rows is given, else paper)").choices([
        "paper",
        "rows",
        "both",
      ]),
    )
    .option("--rows <path>", "campaign folder, or file of rows; drawn as NAME-measured or NAME-both")
    .option("-o, --out <folder>", "where to write", "out/figures")
    .option("-f, --format <list>", "svg, png and json (the Vega-Lite specification)", parseFormats, [
      ...FORMATS,
    ])
    .action(async (names: string[], flags: FiguresFlags) => {
      const { drawFigures } = await import("./draw-figures.js");
      await drawFigures(names, flags);
    });
}

function parseFormats(text: string): Format[] {
  return text.split(",").map((name) => {
    const format = FORMATS.find((known) => known === name.trim());
    if (!format)
      throw new InvalidArgumentError(`"${name}" is not a format; there are ${FORMATS.join(", ")}.`);
    return format;
  });
}
