import { UserError } from "../errors.js";
import type { Figure, Layout } from "../figures/index.js";
import { fontFaceCss } from "../notebook/font.js";
import { renderSvg } from "../notebook/render.js";
import { escape, factsHtml, tableHtml, type Facts, type Table } from "./report/html.js";
import { STYLE } from "./report/style.js";

export type { Cell, Facts, Table } from "./report/html.js";

/** A figure as drawn: for a page, and where given for a screen narrower than 50 rem. */
export interface ReportFigure extends Pick<Figure, "name" | "title" | "caption"> {
  readonly svg: string;
  readonly svgNarrow?: string;
}

/** All that a report says. It computes nothing: every sentence, table and picture comes in ready. */
export interface Report {
  readonly title: string;
  /** One line under the title: campaign, date, version. */
  readonly subtitle?: string;
  /** From which length on which model is better, a sentence each; the first thing a reader sees. */
  readonly crossovers: readonly string[];
  /** In reading order: Figure 1 from the paper's data, Figure 1 as measured, then others. */
  readonly figures: readonly ReportFigure[];
  readonly measurements: Table;
  readonly fits: Table;
  readonly machine: Facts;
  readonly settings: Facts;
  readonly notes?: readonly string[];
}

/** Draws a figure for both widths of a report, e.g. `reportFigure((layout) => figure1(points, { source, layout }))`. */
export async function reportFigure(draw: (layout: Layout) => Figure): Promise<ReportFigure> {
  const wide = draw("wide");
  const narrow = draw("narrow");
  const [svg, svgNarrow] = await Promise.all([
    renderSvg(wide),
    renderSvg({ ...narrow, name: `${narrow.name}-narrow` }),
  ]);
  return { name: wide.name, title: wide.title, caption: wide.caption, svg, svgNarrow };
}

/**
 * The report as one HTML file that needs nothing else: style, font and pictures are inside, there is no script, and
 * its own policy forbids the browser to fetch anything.
 *
 * @throws UserError when a picture is not an SVG element, or two figures share a name
 */
export function reportHtml(report: Report): string {
  const names = report.figures.map((figure) => figure.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new UserError(`two figures of the report are named ${twice}: ids inside a page must differ`);
  const sections = [
    section("answer", "Crossover", answerHtml(report.crossovers)),
    section("figures", "Figures", report.figures.map(figureHtml).join("\n") || "<p>No figures.</p>"),
    section("measurements", "Measurements", tableHtml(report.measurements)),
    section("fits", "Fits", tableHtml(report.fits)),
    section("machine", "Machine", factsHtml(report.machine)),
    section("settings", "Settings", factsHtml(report.settings)),
    ...(report.notes?.length ? [section("notes", "Notes", listHtml(report.notes))] : []),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(report.title)}</title>
<link rel="icon" href="data:,">
<style>
${fontFaceCss()}
${STYLE}</style>
</head>
<body>
<header>
<h1>${escape(report.title)}</h1>
${report.subtitle ? `<p class="muted">${escape(report.subtitle)}</p>` : ""}
</header>
<main>
${sections.join("\n")}
</main>
</body>
</html>
`;
}

const section = (id: string, heading: string, body: string): string =>
  `<section aria-labelledby="${id}">\n<h2 id="${id}">${heading}</h2>\n${body}\n</section>`;

function answerHtml(crossovers: readonly string[]): string {
  const sentences = crossovers.length > 0 ? crossovers : ["No crossover was computed."];
  return `<div class="answer">${sentences.map((sentence) => `<p>${escape(sentence)}</p>`).join("\n")}</div>`;
}

const listHtml = (items: readonly string[]): string =>
  `<ul>\n${items.map((item) => `<li>${escape(item)}</li>`).join("\n")}\n</ul>`;

function figureHtml({ name, title, caption, svg, svgNarrow }: ReportFigure): string {
  const picture = (drawn: string, only: string): string =>
    `<div class="picture${only}">${checkedSvg(drawn, name)}</div>`;
  const pictures =
    svgNarrow === undefined
      ? picture(svg, "")
      : picture(svg, " only-wide") + picture(svgNarrow, " only-narrow");
  return `<figure id="${escape(name)}">
${pictures}
<figcaption><strong>${escape(title)}</strong> ${escape(caption)}</figcaption>
</figure>`;
}

function checkedSvg(svg: string, name: string): string {
  if (svg.startsWith("<svg")) return svg;
  throw new UserError(
    `figure ${name} starts with "${svg.slice(0, 20)}": a report takes SVG elements, which start with <svg`,
  );
}
