import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ColumnTable } from "arquero";
import { figurePoints, interpolatedMarks, rowsOfFigure } from "../analyze/index.js";
import { UserError } from "../errors.js";
import { PAPER_FIGURES, type Figure, type PaperFigure } from "../figures/index.js";
import { closest } from "../models/index.js";
import { renderPng, renderSvg } from "../notebook/render.js";
import { loadPaper, loadRows } from "../record/index.js";
import type { FiguresFlags, Format } from "./figures.js";

type Name = keyof typeof PAPER_FIGURES;
const NAMES = Object.keys(PAPER_FIGURES) as Name[];

/** What to draw from: the paper's rows, one's own with the points made of them, or both. */
interface Tables {
  readonly paper: ColumnTable | null;
  readonly rows: { readonly table: ColumnTable; readonly points: ColumnTable } | null;
}

function tablesOf({ source, rows }: FiguresFlags): Tables {
  if ((source === "rows" || source === "both") && !rows)
    throw new UserError(`--source ${source} needs --rows, a campaign folder or a file of rows`);
  if (source === "paper" && rows) throw new UserError(`--source paper takes no --rows, but got ${rows}`);
  const table = rows ? loadRows(rows) : null;
  return {
    paper: rows && source !== "both" ? null : loadPaper(),
    rows: table && { table, points: figurePoints(table) },
  };
}

/** The figure and the stem of its files: those of own rows do not overwrite the paper's. */
function draw(name: Name, { paper, rows }: Tables): { file: string; figure: Figure } {
  const { draw: figureOf, number, crossing }: PaperFigure = PAPER_FIGURES[name];
  const published = paper && rowsOfFigure(paper, number);
  const marksIn = (table: ColumnTable) => (crossing ? interpolatedMarks(table, crossing) : []);
  const figure = figureOf(
    {
      ...(published ? { paper: figurePoints(published) } : {}),
      ...(rows ? { rows: rows.points } : {}),
    },
    {
      crossovers: {
        ...(published ? { paper: marksIn(published) } : {}),
        ...(rows ? { rows: marksIn(rows.table) } : {}),
      },
    },
  );
  return { file: rows ? `${name}-${paper ? "both" : "measured"}` : name, figure };
}

const WRITE: Record<Format, (figure: Figure) => Promise<string | Uint8Array>> = {
  svg: renderSvg,
  png: (figure) => renderPng(figure),
  json: ({ spec, caption }) =>
    Promise.resolve(`${JSON.stringify({ ...spec, description: caption }, null, 2)}\n`),
};

/** Writes each figure in each format as OUT/NAME.FORMAT and says so. Nothing is written when a name is wrong. */
export async function drawFigures(names: readonly string[], flags: FiguresFlags): Promise<void> {
  const asked = names.length > 0 ? names.map(nameOf) : NAMES;
  const tables = tablesOf(flags);
  const figures = asked.map((name) => draw(name, tables));
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
