import { createHash } from "node:crypto";
import { UserError } from "../../errors.js";
import type { Figure, Layout, Scale } from "../../figures/index.js";
import { fontFaceCss } from "../../notebook/font.js";
import { renderSvg } from "../../notebook/render.js";
import { escape, factsHtml, tableHtml, type Facts, type Table } from "./html.js";
import { SCRIPT } from "./script.js";
import { STYLE } from "./style.js";
import { labelled, withTips } from "./tips.js";

export type { Cell, Facts, Table } from "./html.js";

/** A figure as drawn: for a page and for a screen narrower than 50 rem, on its own axes and on linear ones. */
export interface ReportFigure extends Pick<Figure, "name" | "title" | "caption"> {
  readonly drawings: readonly Drawing[];
}

interface Drawing {
  readonly svg: string;
  /** Where it is shown; everywhere if it does not say. */
  readonly layout?: Layout;
  /** Of figures that have both. */
  readonly scale?: Scale;
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
  readonly crossings: Table;
  readonly fits: Table;
  /** What the rows say of the paper's claims. */
  readonly claims: Table;
  readonly machine: Facts;
  readonly settings: Facts;
  readonly notes?: readonly string[];
}

const LAYOUTS: readonly Layout[] = ["wide", "narrow"];

/**
 * Draws a figure for both widths of a report, e.g. `reportFigure((layout) => figure1(points, { source, layout }))`, and on each of
 * the scales it has.
 */
export async function reportFigure(
  draw: (layout: Layout, scale: Scale | undefined) => Figure,
  scales: readonly Scale[] = [],
): Promise<ReportFigure> {
  const { name, title, caption } = draw("wide", scales[0]);
  const drawings = await Promise.all(
    LAYOUTS.flatMap((layout) =>
      (scales.length > 0 ? scales : [undefined]).map(async (scale): Promise<Drawing> => {
        const id = [
          name,
          ...(layout === "narrow" ? [layout] : []),
          ...(scale === "linear" ? [scale] : []),
        ].join("-");
        const svg = withTips(await renderSvg({ ...labelled(draw(layout, scale)), name: id }));
        return { svg, layout, ...(scale && { scale }) };
      }),
    ),
  );
  return { name, title, caption, drawings };
}

/**
 * The report as one HTML file that needs nothing else: style, font, pictures and one script are inside, and its own policy
 * forbids the browser to fetch anything or to run another script. It reads and prints the same without the script.
 *
 * @throws UserError when a picture is not an SVG element, or two figures share a name
 */
export function reportHtml(report: Report): string {
  const names = report.figures.map((figure) => figure.name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new UserError(`two figures of the report are named ${twice}: ids inside a page must differ`);
  const sections = [
    section("answer", "Answer", answerHtml(report.crossovers)),
    section("figures", "Figures", report.figures.map(figureHtml).join("\n") || "<p>No figures.</p>"),
    section("measurements", "Measurements", tableHtml(report.measurements)),
    section("crossings", "Crossovers", tableHtml(report.crossings)),
    section("fits", "Fits", tableHtml(report.fits)),
    section("claims", "The paper's claims", tableHtml(report.claims)),
    section("machine", "Machine", factsHtml(report.machine)),
    section("settings", "Settings", factsHtml(report.settings)),
    ...(report.notes?.length ? [section("notes", "Notes", listHtml(report.notes))] : []),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src '${SCRIPT_HASH}'; font-src data:; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(report.title)}</title>
<link rel="icon" href="data:,">
<style id="fonts">
${fontFaceCss()}
</style>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>${escape(report.title)}</h1>
${report.subtitle ? `<p class="muted">${escape(report.subtitle)}</p>` : ""}
</header>
<main>
${sections.join("\n")}
</main>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

/** By which the page's policy knows its script. */
const SCRIPT_HASH = `sha256-${createHash("sha256").update(SCRIPT).digest("base64")}`;

const section = (id: string, heading: string, body: string): string =>
  `<section aria-labelledby="${id}">\n<h2 id="${id}">${heading}</h2>\n${body}\n</section>`;

function answerHtml(crossovers: readonly string[]): string {
  const sentences = crossovers.length > 0 ? crossovers : ["No crossover was computed."];
  return `<div class="answer">${sentences.map((sentence) => `<p>${escape(sentence)}</p>`).join("\n")}</div>`;
}

const listHtml = (items: readonly string[]): string =>
  `<ul>\n${items.map((item) => `<li>${escape(item)}</li>`).join("\n")}\n</ul>`;

function figureHtml({ name, title, caption, drawings }: ReportFigure): string {
  const pictures = drawings.map(({ svg, layout, scale }) => {
    const where = [layout && ` only-${layout}`, scale && ` on-${scale}`].filter(Boolean).join("");
    return `<div class="picture${where}">${checkedSvg(svg, name)}</div>`;
  });
  return `<figure id="${escape(name)}">
${pictures.join("\n")}
<figcaption><strong>${escape(title)}</strong> ${escape(caption)}</figcaption>
</figure>`;
}

function checkedSvg(svg: string, name: string): string {
  if (svg.startsWith("<svg")) return svg;
  throw new UserError(
    `figure ${name} starts with "${svg.slice(0, 20)}": a report takes SVG elements, which start with <svg`,
  );
}
