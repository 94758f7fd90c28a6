import type { JsonObject } from "./figure.js";

/** The font every figure is laid out and drawn in; a page without it falls back to a narrower sans-serif. */
export const FONT = "DejaVu Sans";

/** Okabe and Ito's palette: told apart under every common colour vision deficiency. https://jfly.uni-koeln.de/color/ */
const OKABE_ITO = {
  black: "#000000",
  orange: "#E69F00",
  skyBlue: "#56B4E9",
  green: "#009E73",
  yellow: "#F0E442",
  blue: "#0072B2",
  vermillion: "#D55E00",
  purple: "#CC79A7",
} as const;

/** First match wins, so longer names stand first. Warm: Transformers; blue: SSMs; green and purple: hybrids. */
const COLOR_OF_LINE: readonly (readonly [prefix: string, color: string])[] = [
  ["qwen", OKABE_ITO.vermillion],
  ["tinyllama", OKABE_ITO.yellow],
  ["llama", OKABE_ITO.orange],
  ["phi", OKABE_ITO.yellow],
  ["gpt", OKABE_ITO.black],
  ["mamba2", OKABE_ITO.blue],
  ["mamba", OKABE_ITO.skyBlue],
  ["falcon-h1", OKABE_ITO.green],
  ["zamba", OKABE_ITO.purple],
  ["hymba", OKABE_ITO.black],
];

const COLOR_OF_FAMILY: Readonly<Record<string, string>> = {
  transformer: OKABE_ITO.orange,
  ssm: OKABE_ITO.skyBlue,
  hybrid: OKABE_ITO.green,
};

/** Parameters in millions as a name states them ("mamba2-780m", "qwen2.5-0.5b-instruct"), or null. */
function millionsInName(model: string): number | null {
  const match = /(?:^|[-_])(\d+(?:\.\d+)?)([mb])(?![a-z0-9])/i.exec(model);
  return match ? Number(match[1]) * (match[2]?.toLowerCase() === "b" ? 1000 : 1) : null;
}

/** Mixes a colour with another: 0 leaves it, 1 replaces it. */
function mix(color: string, other: string, share: number): string {
  const channel = (at: number): string => {
    const [a, b] = [color, other].map((hex) => Number.parseInt(hex.slice(at, at + 2), 16)) as [
      number,
      number,
    ];
    return Math.round(a + (b - a) * share)
      .toString(16)
      .padStart(2, "0");
  };
  return `#${channel(1)}${channel(3)}${channel(5)}`;
}

/**
 * The colour of a model, the same in every figure: the hue of its line, lighter below 400 M parameters and
 * darker from 1 B on, so that sizes of one line stay apart. A name we do not know takes its family's hue.
 */
export function modelColor(model: string, family?: string | null): string {
  const known = COLOR_OF_LINE.find(([prefix]) => model.toLowerCase().startsWith(prefix))?.[1];
  const base = known ?? COLOR_OF_FAMILY[family ?? ""] ?? "#777777";
  const millions = millionsInName(model);
  if (millions !== null && millions < 400) return mix(base, "#ffffff", 0.35);
  if (millions !== null && millions >= 1000) return mix(base, "#000000", 0.35);
  return base.toLowerCase();
}

/** Colours of the models of one figure; of two that would look alike, the later is mixed with black. */
export function modelColors(
  models: readonly { model: string; family?: string | null }[],
): Map<string, string> {
  const colors = new Map<string, string>();
  for (const { model, family } of models) {
    if (colors.has(model)) continue;
    let color = modelColor(model, family);
    for (let darker = mix(color, "#000000", 0.4); darker !== color; darker = mix(color, "#000000", 0.4)) {
      if (![...colors.values()].includes(color)) break;
      color = darker;
    }
    colors.set(model, color);
  }
  return colors;
}

/** What memory goes to, in the order of a stack from below. */
export const MEMORY_COLORS = {
  weights: OKABE_ITO.blue,
  "peak activations": OKABE_ITO.orange,
  "KV cache": OKABE_ITO.vermillion,
  "SSM and convolution states": OKABE_ITO.green,
  "tables of positions": OKABE_ITO.purple,
} as const;

/** The colour of a bar whose measurement is in doubt. */
export const pale = (color: string): string => mix(color, "#ffffff", 0.6);

/** Shapes say the family where colours cannot: in print, or for a reader who sees none. */
export function familyShape(family: string | null | undefined): string {
  return family === "ssm" ? "square" : family === "hybrid" ? "diamond" : "circle";
}

export const INK = "#222222";
export const MUTED = "#666666";
export const RULE = "#dddddd";

/** Vega-Lite configuration shared by all figures. White, so that a dark page does not swallow the text. */
export const THEME: JsonObject = {
  background: "#ffffff",
  padding: 8,
  font: FONT,
  // A page's caption and table carry the numbers; labels on every mark would triple the file.
  aria: false,
  view: { stroke: null },
  axis: {
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: "normal",
    labelColor: INK,
    titleColor: INK,
    domainColor: MUTED,
    tickColor: MUTED,
    gridColor: RULE,
    labelLimit: 0,
    titleLimit: 0,
  },
  title: {
    anchor: "start",
    frame: "bounds",
    fontSize: 12,
    fontWeight: "bold",
    color: INK,
    subtitleFontSize: 11,
    subtitleColor: MUTED,
    subtitlePadding: 4,
    limit: 0,
  },
  legend: { labelFontSize: 11, titleFontSize: 11, labelColor: INK, labelLimit: 0, symbolSize: 70 },
  text: { fontSize: 11, color: INK },
};
