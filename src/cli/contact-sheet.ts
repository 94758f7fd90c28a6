import type { Figure } from "../figures/index.js";
import { renderSvg, svgToPng } from "../notebook/render.js";

/** Pixels of the sheet. */
const COLUMN = 640;
const GAP = 24;

interface Drawn {
  readonly svg: string;
  readonly width: number;
  readonly height: number;
}

/**
 * Figures on one page as PNG, a row of them beside each other, each as wide as its column: to look through, and to
 * compare the paper's with one's own.
 */
export async function contactSheet(rows: readonly (readonly Figure[])[]): Promise<Uint8Array> {
  let top = GAP;
  const pieces: string[] = [];
  for (const figures of rows) {
    const drawn = await Promise.all(figures.map(drawnOf));
    drawn.forEach(({ svg }, column) => pieces.push(placed(svg, GAP + column * (COLUMN + GAP), top)));
    top += Math.max(...drawn.map(({ height }) => height)) + GAP;
  }
  const width = GAP + Math.max(...rows.map(({ length }) => length)) * (COLUMN + GAP);
  const sheet = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top}"><rect width="100%" height="100%" fill="#ffffff"/>${pieces.join("")}</svg>`;
  return svgToPng(sheet, { scale: 1 });
}

/** The figure as wide as a column, and no larger than it is. */
async function drawnOf(figure: Figure): Promise<Drawn> {
  const svg = await renderSvg(figure);
  const [, width, height] = /<svg[^>]* width="([\d.]+)" height="([\d.]+)"/.exec(svg) ?? [];
  const scale = Math.min(1, COLUMN / Number(width));
  const size = { width: scale * Number(width), height: scale * Number(height) };
  return {
    ...size,
    svg: svg.replace(/ width="[\d.]+" height="[\d.]+"/, ` width="${size.width}" height="${size.height}"`),
  };
}

const placed = (svg: string, x: number, y: number): string => svg.replace("<svg ", `<svg x="${x}" y="${y}" `);
