import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { summarize } from "../analyze/index.js";
import { UserError } from "../errors.js";
import { PAPER_FIGURES, type Figure } from "../figures/index.js";
import { closest } from "../models/index.js";
import { renderPng, renderSvg } from "../notebook/render.js";
import { loadRows } from "../record/index.js";
import { paperFigure1Rows } from "./campaign-report.js";
import type { FiguresFlags, Format } from "./figures.js";

type Name = keyof typeof PAPER_FIGURES;
const NAMES = Object.keys(PAPER_FIGURES) as Name[];

function draw(name: Name, { source, rows }: FiguresFlags): Figure {
  if (source === "paper") return PAPER_FIGURES[name].draw(summarize(paperFigure1Rows()), { source });
  if (!rows) throw new UserError("--source rows needs --rows, a campaign folder or a file of rows");
  return PAPER_FIGURES[name].draw(summarize(loadRows(rows)), { source: "measured" });
}

const WRITE: Record<Format, (figure: Figure) => Promise<string | Uint8Array>> = {
  svg: renderSvg,
  png: (figure) => renderPng(figure),
  json: ({ spec }) => Promise.resolve(`${JSON.stringify(spec, null, 2)}\n`),
};

/** Writes each figure in each format as OUT/NAME.FORMAT and says so. Nothing is written when a name is wrong. */
export async function drawFigures(names: readonly string[], flags: FiguresFlags): Promise<void> {
  const figures = (names.length > 0 ? names : NAMES).map((name) => ({
    name,
    figure: draw(nameOf(name), flags),
  }));
  mkdirSync(flags.out, { recursive: true });
  for (const { name, figure } of figures)
    for (const format of flags.format) {
      const file = join(flags.out, `${name}.${format}`);
      writeFileSync(file, await WRITE[format](figure));
      console.log(file);
    }
}

function nameOf(text: string): Name {
  const name = NAMES.find((known) => known === text);
  if (name) return name;
  throw new UserError(`there is no figure "${text}"; did you mean ${closest(text, NAMES, 1).join("")}?`);
}
