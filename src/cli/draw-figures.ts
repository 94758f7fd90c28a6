import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../errors.js";
import { figure1, type Figure } from "../figures/index.js";
import { closest } from "../models/index.js";
import { renderPng, renderSvg } from "../notebook/render.js";
import { loadRows } from "../record/index.js";
import { paperFigure1Rows } from "./campaign-report.js";
import { pointsOf } from "./compare.js";
import type { FiguresFlags, Format } from "./figures.js";

/** How each figure is drawn from the paper's data or from a campaign. */
const DRAW: Record<string, (rows: string | null) => Figure> = {
  fig1: (rows) =>
    rows === null
      ? figure1(pointsOf(paperFigure1Rows()), { source: "paper" })
      : figure1(pointsOf(loadRows(rows)), { source: "measured" }),
};

const WRITE: Record<Format, (figure: Figure) => Promise<string | Uint8Array>> = {
  svg: renderSvg,
  png: (figure) => renderPng(figure),
  json: ({ spec }) => Promise.resolve(`${JSON.stringify(spec, null, 2)}\n`),
};

/** Writes each figure in each format as OUT/NAME.FORMAT and says so. Nothing is written when a name is wrong. */
export async function drawFigures(names: readonly string[], flags: FiguresFlags): Promise<void> {
  const known = Object.keys(DRAW);
  const wrong = names.find((name) => !known.includes(name));
  if (wrong !== undefined)
    throw new UserError(`there is no figure "${wrong}"; did you mean ${closest(wrong, known, 1).join("")}?`);
  if (flags.source === "rows" && !flags.rows)
    throw new UserError("--source rows needs --rows, a campaign folder or a file of rows");
  const figures = (names.length > 0 ? names : known).map((name) => ({
    name,
    figure: DRAW[name]!(flags.source === "rows" ? flags.rows! : null),
  }));
  mkdirSync(flags.out, { recursive: true });
  for (const { name, figure } of figures)
    for (const format of flags.format) {
      const file = join(flags.out, `${name}.${format}`);
      writeFileSync(file, await WRITE[format](figure));
      console.log(file);
    }
}
