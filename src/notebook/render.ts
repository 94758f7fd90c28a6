import type { TopLevelSpec } from "vega-lite";
import { fontFaceCss, fontFile, textWidth } from "./font.js";

/** What is needed of a `Figure`. The specification may be anybody's Vega-Lite, so it is no stricter than an object. */
export interface Drawable {
  readonly name: string;
  readonly title: string;
  readonly spec: object;
}

export interface SvgOptions {
  /**
   * Carry the font inside, for a file that stands alone (about 40 kB). Without, the SVG names DejaVu Sans and falls
   * back to the page's sans-serif; a page of several figures puts `fontFaceCss()` into its own style once.
   */
  embedFont?: boolean;
}

/**
 * Draws a figure as one `<svg>` element: the same bytes on every run and machine. Text is laid out with the widths
 * of the font itself, ids carry the figure's name so that figures of different names share a page.
 */
export async function renderSvg(figure: Drawable, options: SvgOptions = {}): Promise<string> {
  const svg = tidy(await draw(figure), figure);
  return options.embedFont
    ? svg.replace(/<svg[^>]*>/, (tag) => `${tag}<style>${fontFaceCss()}</style>`)
    : svg;
}

export interface PngOptions {
  /** Pixels of the picture for one pixel of the figure; default 2. */
  scale?: number;
}

/** Draws a figure as PNG. */
export async function renderPng(figure: Drawable, options: PngOptions = {}): Promise<Uint8Array> {
  return svgToPng(await renderSvg(figure), options);
}

/** Draws an SVG, such as `renderSvg` makes, as PNG with our own copy of the font and none of the machine's. */
export async function svgToPng(svg: string, options: PngOptions = {}): Promise<Uint8Array> {
  const { Resvg } = await import("@resvg/resvg-js");
  const image = new Resvg(svg, {
    font: {
      loadSystemFonts: false,
      fontFiles: [fontFile("normal"), fontFile("bold")],
      defaultFontFamily: "DejaVu Sans",
    },
    fitTo: { mode: "zoom", value: options.scale ?? 2 },
  }).render();
  return image.asPng();
}

/** The part of a Vega text item that decides its width. */
interface TextItem {
  fontSize?: number;
  fontWeight?: string | number;
}

/**
 * Vega, told to measure text with the font's own widths: without a canvas it guesses 0.8 em a character, and with
 * one it would depend on the machine's fonts. vega-typings does not name `textMetrics`.
 */
async function loadVega() {
  const [vega, vegaLite] = await Promise.all([import("vega"), import("vega-lite")]);
  const { textMetrics } = vega as unknown as {
    textMetrics: { width: (item: TextItem, text?: string | number | null) => number };
  };
  textMetrics.width = ({ fontSize = 11, fontWeight }, text) =>
    textWidth(String(text ?? "").trim(), fontSize, isBold(fontWeight) ? "bold" : "normal");
  return { vega, vegaLite };
}

const isBold = (weight: string | number | undefined): boolean =>
  weight === "bold" || weight === "bolder" || Number(weight) >= 600;

async function draw(figure: Drawable): Promise<string> {
  const { vega, vegaLite } = await loadVega();
  // A copy, because Vega marks the rows it is given. Vega-Lite's type is a union too wide to check JSON against; its compiler checks the value.
  const { spec } = vegaLite.compile(structuredClone(figure.spec) as TopLevelSpec);
  const view = new vega.View(vega.parse(spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/**
 * Makes Vega's output the same everywhere: ids counted from 0 under the figure's name, where Vega counts on from
 * the last figure; coordinates with three decimals, below which processors disagree and no eye sees.
 */
function tidy(svg: string, figure: Drawable): string {
  const ids = new Map<string, string>();
  const renamed = (id: string): string => {
    const known = ids.get(id) ?? `${figure.name}-${ids.size}`;
    ids.set(id, known);
    return known;
  };
  return svg
    .replace(/<[^>]+>/g, (tag) =>
      tag
        .replace(/(\bid="|url\(#)([^")]+)/g, (_, before: string, id: string) => before + renamed(id))
        .replace(/-?\d+\.\d{4,}(e-?\d+)?/g, (digits) => String(Number(Number(digits).toFixed(3)) + 0))
        .replace(/font-family="DejaVu Sans"/g, `font-family="DejaVu Sans, Verdana, sans-serif"`),
    )
    .replace("<svg ", `<svg role="img" aria-label="${attribute(figure.title)}" `);
}

const attribute = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
