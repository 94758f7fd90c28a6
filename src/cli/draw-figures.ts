import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ColumnTable } from "arquero";
import { figurePoints, rowsOfFigure } from "../analyze/index.js";
import { UserError } from "../errors.js";
import {
  FIGURES,
  OWN_FIGURES,
  PAPER_FIGURES,
  type Both,
  type CrossoverMark,
  type Figure,
  type PaperFigure,
} from "../figures/index.js";
import { closest } from "../models/index.js";
import { renderPng, renderSvg } from "../notebook/render.js";
import { loadPaper, loadRows } from "../record/index.js";
import { contactSheet } from "./contact-sheet.js";
import type { FiguresFlags, Format } from "./figures.js";
import { pairMarks } from "./pair-marks.js";
import { drawOwn, type OwnName, type ScaledMetric } from "./own-figures.js";

type Name = keyof typeof FIGURES;
const NAMES = Object.keys(FIGURES) as Name[];
const PAPER_NAMES = Object.keys(PAPER_FIGURES) as (keyof typeof PAPER_FIGURES)[];

const isOwn = (name: Name): name is OwnName => Object.hasOwn(OWN_FIGURES, name);

/** What to draw from: the paper's rows, one's own, or both. */
function tablesOf({ source, rows }: FiguresFlags): Both<ColumnTable> {
  if ((source === "rows" || source === "both") && !rows)
    throw new UserError(`--source ${source} needs --rows, a campaign folder or a file of rows`);
  if (source === "paper" && rows) throw new UserError(`--source paper takes no --rows, but got ${rows}`);
  return {
    ...(rows && source !== "both" ? {} : { paper: loadPaper() }),
    ...(rows ? { rows: loadRows(rows) } : {}),
  };
}

/** The figure of these tables, whatever they lack. */
function draw(name: Name, tables: Both<ColumnTable>, { form, metric }: FiguresFlags): Figure {
  if (isOwn(name)) return drawOwn(name, { tables, metric: metric as ScaledMetric });
  const { draw: figureOf, number, crossing }: PaperFigure = PAPER_FIGURES[name];
  const paper = tables.paper && rowsOfFigure(tables.paper, number);
  const { rows } = tables;
  const marksIn = (table: ColumnTable): CrossoverMark[] => (crossing ? pairMarks(table, crossing) : []);
  return figureOf(
    { ...(paper && { paper: figurePoints(paper) }), ...(rows && { rows: figurePoints(rows) }) },
    {
      form,
      crossovers: { ...(paper && { paper: marksIn(paper) }), ...(rows && { rows: marksIn(rows) }) },
    },
  );
}

const WRITE: Record<Format, (figure: Figure) => Promise<string | Uint8Array>> = {
  svg: renderSvg,
  png: (figure) => renderPng(figure),
  json: ({ spec, caption }) =>
    Promise.resolve(`${JSON.stringify({ ...spec, description: caption }, null, 2)}\n`),
};

/** Writes each figure in each format as OUT/NAME.FORMAT and says so. Nothing is written when a name is wrong. */
export async function drawFigures(names: readonly string[], flags: FiguresFlags): Promise<void> {
  const asked = namesOf(names, flags);
  if (flags.list) {
    for (const name of asked) console.log(`${name.padEnd(22)}${FIGURES[name].title}`);
    return;
  }
  const tables = tablesOf(flags);
  const figures = asked.map((name) => ({ name, figure: draw(name, tables, flags) }));
  mkdirSync(flags.out, { recursive: true });
  const write = (file: string, content: string | Uint8Array): void => {
    const path = join(flags.out, file);
    writeFileSync(path, content);
    console.log(path);
  };
  // Those of one's own rows do not overwrite the paper's.
  const end = tables.rows ? (tables.paper ? "-both" : "-measured") : "";
  for (const { name, figure } of figures)
    for (const format of flags.format) write(`${name}${end}.${format}`, await WRITE[format](figure));
  if (flags.sheet) {
    const columns = [tables.paper && { paper: tables.paper }, tables.rows && { rows: tables.rows }].filter(
      (column) => column !== undefined,
    );
    const rows = asked.map((name) => columns.map((column) => draw(name, column, flags)));
    write(`sheet${end}.png`, await contactSheet(rows));
  }
}

/** Those asked for; without any all, of which only the paper's have a faithful form. */
function namesOf(names: readonly string[], { form }: FiguresFlags): readonly Name[] {
  if (names.length === 0) return form === "faithful" ? PAPER_NAMES : NAMES;
  const asked = names.map(nameOf);
  const own = asked.find(isOwn);
  if (form === "faithful" && own !== undefined)
    throw new UserError(
      `--form faithful is for figures of the paper, and ${own} is none of them; there are ${PAPER_NAMES.join(", ")}`,
    );
  return asked;
}

function nameOf(text: string): Name {
  const name = NAMES.find((known) => known === text);
  if (name) return name;
  throw new UserError(`there is no figure "${text}"; did you mean ${closest(text, NAMES, 1).join("")}?`);
}
