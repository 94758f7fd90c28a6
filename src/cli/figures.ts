import { Command, InvalidArgumentError, Option } from "commander";
import type { FigureForm } from "../figures/index.js";

const FORMATS = ["svg", "png", "json"] as const;
export type Format = (typeof FORMATS)[number];

export interface FiguresFlags {
  /** Default: rows where they are given, else paper. */
  source?: "paper" | "rows" | "both";
  rows?: string;
  out: string;
  format: Format[];
  form: FigureForm;
  metric: string;
  sheet?: boolean;
  list?: boolean;
}

export function figuresCommand(): Command {
  return new Command("figures")
    .description("draw the paper's figures and our own from its data or from your rows")
    .argument("[names...]", "figures, e.g. fig1 roofline (default: all there are)")
    .option("--list", "only list the figures there are")
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
    .addOption(
      new Option("--form <form>", "as the paper drew it, or improved: true lengths, intervals, marks")
        .choices(["improved", "faithful"])
        .default("improved"),
    )
    .addOption(
      new Option("--metric <column>", "of scaling, crossover-matrix and residuals")
        .choices(["ttft_ms", "tpot_ms", "e2e_ms", "energy_j", "total_bytes"])
        .default("ttft_ms"),
    )
    .option("--sheet", "also OUT/sheet.png: all of them on one page, the paper's beside yours")
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
