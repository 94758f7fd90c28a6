import { UserError } from "../errors.js";
import type { Figure, JsonObject, Layout } from "./figure.js";
import { formatNumber, formatTokens, listOf, wrap } from "./format.js";
import { listed, type Listed } from "./listed.js";
import { distinct } from "./point.js";
import { headed } from "./scaling-spec.js";
import { deviceName } from "./settings.js";
import type { Source } from "./sources.js";
import { INK, MUTED } from "./theme.js";

/** A sentence of the paper with what rows say of it: a row of `claims(rows)`. */
export interface JudgedClaim {
  id: string;
  figure: string | null;
  claim: string;
  stated: number | string | null;
  unit: string;
  /** From the published rows and from one's own: a number, or null where `_lo` and `_hi` are a range. */
  recomputed: number | null;
  recomputed_lo?: number | null;
  recomputed_hi?: number | null;
  here?: number | null;
  here_lo?: number | null;
  here_hi?: number | null;
  device?: string | null;
  verdict: string;
}

/** How the claims are drawn. */
export interface ClaimsFigureOptions {
  /** `measured`: there are rows of one's own beside the published ones. */
  source?: Source;
  layout?: Layout;
}

/** Of each verdict its sign, which says it without the colour. */
const VERDICTS: Readonly<Record<string, { sign: string; words: string; color: string }>> = {
  reproduced: { sign: "✓", words: "reproduced", color: "#009E73" },
  "contradicted-by-own-data": { sign: "✗", words: "contradicted by its own data", color: "#D55E00" },
  "not-reproduced-here": { sign: "≠", words: "not reproduced here", color: "#E69F00" },
  "no-data": { sign: "–", words: "no data", color: "#999999" },
};
const verdictOf = (claim: JudgedClaim) =>
  VERDICTS[claim.verdict] ?? { sign: "?", words: claim.verdict, color: "#999999" };

/**
 * The claims as a table: what the paper states, what its published rows give, what one's own rows give, and the verdict.
 *
 * @throws UserError when no claim is given
 * @example
 * claimsFigure(claims(rows, { verdict: ["not-reproduced-here"] }));
 */
export function claimsFigure(
  given: Listed<JudgedClaim>,
  { source = "measured", layout = "wide" }: ClaimsFigureOptions = {},
): Figure {
  const all = listed(given);
  if (all.length === 0)
    throw new UserError("no claim is given: claims(rows) keeps none under this filter, or was given none");
  const own = source === "measured";
  const verdicts = Object.keys(VERDICTS).flatMap((verdict) => {
    const count = all.filter((claim) => claim.verdict === verdict).length;
    return count > 0 ? [`${count} ${VERDICTS[verdict]!.words}`] : [];
  });
  const devices = listOf(distinct(all.map(({ device }) => device)).map(deviceName));
  const title = all.length === 1 ? "A claim of the paper" : `${all.length} claims of the paper`;
  const where = own ? `measured here${devices ? `, ${devices}` : ""}` : "by its own published rows";
  return {
    name: `claims-${source}`,
    title: `${title}, ${where}`,
    caption: caption(verdicts, { own, devices }),
    spec: headed({ title, subtitle: [where, verdicts.join(", ")], layout }, draw(all, { layout, own })),
  };
}

function caption(verdicts: readonly string[], { own, devices }: { own: boolean; devices: string }): string {
  const sentences = [
    `What the paper states, what its published rows give${own ? " and what was measured here" : ""}: ${listOf(verdicts)}`,
    "A published value agrees if it is the stated one as rounded or cut at its last digit",
  ];
  if (own)
    sentences.push(
      `${devices ? `Measured on ${devices}. ` : ""}A measured value agrees within 10% on the paper's device and within 25% on another, of which only ratios, shares and orders are compared; below it its 95% interval`,
    );
  sentences.push("Of a crossing the two lengths around it stand for the value; – where rows do not tell");
  return sentences.map((sentence) => `${sentence}.`).join(" ");
}

// Words of a cell.

const UNITS: Readonly<Record<string, string>> = { x: "×", text: "" };

/** A unit behind its number: 1 sequence, 2 sequences, 1 s. */
const unitOf = (value: number, unit: string): string =>
  UNITS[unit] ?? (value === 1 && unit.length > 2 ? unit.replace(/s$/, "") : unit);

function quantity(value: number, unit: string): string {
  const digits = Number.isInteger(value) ? formatTokens(value) : formatNumber(value);
  return `${digits} ${unitOf(value, unit)}`.trim();
}

function statedText({ stated, unit }: JudgedClaim): string {
  if (stated === null) return "–";
  if (typeof stated === "string") return stated;
  // As it is written: 3 is not 3.00.
  const digits = Math.abs(stated) >= 1000 ? formatTokens(stated) : String(stated);
  return `${digits} ${unitOf(stated, unit)}`.trim();
}

/** A value; without one the range of its ends. */
function found(
  value: number | null | undefined,
  lo: number | null | undefined,
  hi: number | null | undefined,
  unit: string,
): string {
  if (value != null) return quantity(value, unit);
  if (lo == null && hi == null) return "";
  return `${lo == null ? "?" : quantity(lo, "")} to ${hi == null ? "?" : quantity(hi, unit)}`;
}

const recomputedText = ({ recomputed, recomputed_lo, recomputed_hi, unit }: JudgedClaim): string =>
  found(recomputed, recomputed_lo, recomputed_hi, unit) || "–";

/** The measured value and, below it, its interval. */
function hereText({ here, here_lo: lo, here_hi: hi, unit }: JudgedClaim): string[] {
  const value = found(here, lo, hi, unit);
  if (value === "") return [];
  return here != null && (lo != null || hi != null) && lo !== hi
    ? [value, `(${found(null, lo, hi, "")})`]
    : [value];
}

// Drawing: texts at pixels, for the rows of a table are as high as their words.

/** A type, so that it is JSON. */
type Text = { x: number; y: number; text: string; kind: "head" | "plain" | "muted" };
type Sign = { x: number; y: number; text: string; color: string };
type Stripe = { top: number; bottom: number };

const LINE = 13;
const PADDING = 6;

/** Left edges of the columns in pixels, and characters of a line of a claim and of a value at 10 pixels. */
const WIDE = {
  columns: { id: 4, figure: 44, claim: 96, stated: 474, recomputed: 576, here: 688, verdict: 810 },
  characters: 61,
  value: 16,
} as const;
/** Without rows of one's own their column goes to the claim. */
const WIDE_PAPER = {
  columns: { ...WIDE.columns, stated: 586, recomputed: 698 },
  characters: 80,
  value: 18,
} as const;
const WIDTH = 842;
const NARROW = { width: 340, left: 26, characters: 54 } as const;

interface Laid {
  readonly texts: Text[];
  readonly signs: Sign[];
  readonly stripes: Stripe[];
  readonly height: number;
}

function draw(all: readonly JudgedClaim[], { layout, own }: { layout: Layout; own: boolean }): JsonObject {
  const { texts, signs, stripes, height } = layout === "wide" ? wideTable(all, own) : narrowTable(all);
  const width = layout === "wide" ? WIDTH : NARROW.width;
  const pixels = (field: string): JsonObject => ({ field, type: "quantitative", scale: null, axis: null });
  const words = (kind: Text["kind"], style: JsonObject): JsonObject => ({
    data: { values: texts.filter((text) => text.kind === kind) },
    mark: { type: "text", align: "left", baseline: "top", fontSize: 10, ...style },
    encoding: { x: pixels("x"), y: pixels("y"), text: { field: "text" } },
  });
  return {
    width,
    height,
    layer: [
      {
        data: { values: stripes },
        mark: { type: "rect", color: "#F4F4F4" },
        encoding: { x: { value: 0 }, x2: { value: width }, y: pixels("top"), y2: { field: "bottom" } },
      },
      {
        data: { values: signs },
        mark: { type: "point", shape: "square", filled: true, size: 220, opacity: 1 },
        encoding: {
          x: pixels("x"),
          y: pixels("y"),
          color: { field: "color", type: "nominal", scale: null },
        },
      },
      {
        data: { values: signs },
        mark: { type: "text", baseline: "middle", color: "#ffffff", fontWeight: "bold", fontSize: 11 },
        encoding: { x: pixels("x"), y: pixels("y"), text: { field: "text" } },
      },
      words("head", { color: INK, fontWeight: "bold" }),
      words("plain", { color: INK }),
      words("muted", { color: MUTED }),
    ],
  };
}

function wideTable(all: readonly JudgedClaim[], own: boolean): Laid {
  const { columns, characters, value } = own ? WIDE : WIDE_PAPER;
  const texts: Text[] = [];
  const signs: Sign[] = [];
  const stripes: Stripe[] = [];
  const heads = {
    id: "claim",
    figure: "fig.",
    stated: "stated",
    recomputed: "its own rows",
    here: own ? "here" : "",
  };
  for (const [column, text] of Object.entries(heads))
    if (text) texts.push({ x: columns[column as keyof typeof heads], y: 2, text, kind: "head" });
  let top = LINE + PADDING;
  all.forEach((claim, i) => {
    const cells: [keyof typeof columns, string[], Text["kind"]][] = [
      ["id", [claim.id], "head"],
      ["figure", [claim.figure ?? ""], "muted"],
      ["claim", wrap(claim.claim, characters), "plain"],
      ["stated", wrap(statedText(claim), value), "plain"],
      ["recomputed", wrap(recomputedText(claim), value), "plain"],
      ["here", own ? hereText(claim).flatMap((line) => wrap(line, value + 2)) : [], "plain"],
    ];
    const lines = Math.max(...cells.map(([, found]) => found.length));
    const bottom = top + LINE * lines + PADDING;
    if (i % 2 === 0) stripes.push({ top, bottom });
    for (const [column, found, kind] of cells)
      found.forEach((text, line) => {
        if (text) texts.push({ x: columns[column], y: top + PADDING / 2 + LINE * line, text, kind });
      });
    const { sign, color } = verdictOf(claim);
    signs.push({ x: columns.verdict + 12, y: (top + bottom) / 2, text: sign, color });
    top = bottom;
  });
  const legend = legendOf(top + 2 * PADDING, columns.id, WIDTH);
  return {
    texts: [...texts, ...legend.texts],
    signs: [...signs, ...legend.signs],
    stripes,
    height: legend.bottom,
  };
}

/** On a phone the numbers stand below the sentence. */
function narrowTable(all: readonly JudgedClaim[]): Laid {
  const { left, characters, width } = NARROW;
  const texts: Text[] = [];
  const signs: Sign[] = [];
  const stripes: Stripe[] = [];
  let top = 0;
  all.forEach((claim, i) => {
    const numbers = [
      statedText(claim) === "–" ? "" : `stated ${statedText(claim)}`,
      recomputedText(claim) === "–" ? "" : `its own rows ${recomputedText(claim)}`,
      hereText(claim).length > 0 ? `here ${hereText(claim).join(" ")}` : "",
    ].filter(Boolean);
    const lines = [
      ...wrap(`${claim.id}: ${claim.claim}`, characters).map((text) => ({ text, kind: "plain" as const })),
      ...wrap(numbers.join("; "), characters).map((text) => ({ text, kind: "muted" as const })),
    ].filter(({ text }) => text !== "");
    const bottom = top + LINE * lines.length + PADDING;
    if (i % 2 === 0) stripes.push({ top, bottom });
    lines.forEach(({ text, kind }, line) =>
      texts.push({ x: left, y: top + PADDING / 2 + LINE * line, text, kind }),
    );
    const { sign, color } = verdictOf(claim);
    signs.push({ x: 12, y: top + PADDING / 2 + 7, text: sign, color });
    top = bottom;
  });
  const legend = legendOf(top + 2 * PADDING, 4, width);
  return {
    texts: [...texts, ...legend.texts],
    signs: [...signs, ...legend.signs],
    stripes,
    height: legend.bottom,
  };
}

/** The signs in words, as many in a line as its width takes. */
function legendOf(top: number, left: number, width: number) {
  const texts: Text[] = [];
  const signs: Sign[] = [];
  let [x, y] = [left, top];
  for (const { sign, words, color } of Object.values(VERDICTS)) {
    // 6 pixels is a mean character of 10 pixels.
    const wide = 40 + 6 * words.length;
    if (x + wide > width && x > left) [x, y] = [left, y + 20];
    signs.push({ x: x + 8, y: y + 8, text: sign, color });
    texts.push({ x: x + 20, y: y + 2, text: words, kind: "plain" });
    x += wide;
  }
  return { texts, signs, bottom: y + 20 };
}
