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

/** The figure and the stem of its files: those of own rows do not overwrite the paper's. */
function draw(name: Name, rows: string | null): { file: string; figure: Figure } {
  const { draw: figureOf } = PAPER_FIGURES[name];
  return rows === null
    ? { file: name, figure: figureOf(summarize(paperFigure1Rows()), { source: "paper" }) }
    : { file: `${name}-measured`, figure: figureOf(summarize(loadRows(rows)), { source: "measured" }) };
}

/** The rows to draw from, or null for the paper's. */
function rowsOf({ source, rows }: FiguresFlags): string | null {
  if (source === "rows" && !rows)
    throw new UserError("--source rows needs --rows, a campaign folder or a file of rows");
  if (source === "paper" && rows) throw new UserError(`--source paper takes no --rows, but got ${rows}`);
  return rows ?? null;
}

const WRITE: Record<Format, (figure: Figure) => Promise<string | Uint8Array>> = {
  svg: renderSvg,
  png: (figure) => renderPng(figure),
  json: ({ spec }) => Promise.resolve(`${JSON.stringify(spec, null, 2)}\n`),
};

/** Writes each figure in each format as OUT/NAME.FORMAT and says so. Nothing is written when a name is wrong. */
export async function drawFigures(names: readonly string[], flags: FiguresFlags): Promise<void> {
  const rows = rowsOf(flags);
  const figures = (names.length > 0 ? names : NAMES).map((name) => draw(nameOf(name), rows));
  mkdirSync(flags.out, { recursive: true });
  for (const { file, figure } of figures)
    for (const format of flags.format) {
      const path = join(flags.out, `${file}.${format}`);
      writeFileSync(path, await WRITE[format](figure));
      console.log(path);
    }
}

function nameOf(text: string): Name {
  const name = NAMES.find((known) => known === text);
  if (name) return name;
  throw new UserError(`there is no figure "${text}"; did you mean ${closest(text, NAMES, 1).join("")}?`);
}
