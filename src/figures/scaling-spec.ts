import { AXIS, type Domain, type Scale } from "./axis.js";
import type { JsonObject, Layout } from "./figure.js";
import { displayNames, formatTokens, wrap } from "./format.js";
import { distinct, finite, type Metric, type Point } from "./point.js";
import { familyShape, INK, modelColors, MUTED, RULE, THEME } from "./theme.js";

/** One sample of a fitted curve; `value` is in the unit of the metric, the band is drawn where both ends are. */
export interface CurvePoint {
  model: string;
  prompt_tokens: number;
  value: number;
  value_lo?: number | null;
  value_hi?: number | null;
}

/** Where two curves meet. An end of the interval that is null is open: beyond what was measured. */
export interface CrossoverMark {
  prompt_tokens: number;
  prompt_tokens_lo?: number | null;
  prompt_tokens_hi?: number | null;
  /** Which model is lower (faster, thriftier) beyond it, for the label. */
  faster?: string;
  /** And than which, where a figure shows a model alone. */
  slower?: string;
}

/** A point that can be drawn on a logarithmic axis. */
export interface Dot {
  readonly model: string;
  readonly length: number;
  readonly value: number;
  readonly lo: number | null;
  readonly hi: number | null;
  readonly doubtful: boolean;
  /** Ends of what the sensor's error bounds, where the rows state one. */
  readonly bound?: readonly [lo: number, hi: number];
}

/** "Mamba2-780m ahead from 12,300 tokens" and, where the interval is known, "11,200 to 14,000". */
export function crossoverWords(mark: CrossoverMark, names: ReadonlyMap<string, string>): string[] {
  const { prompt_tokens_lo: lo, prompt_tokens_hi: hi } = mark;
  const at = `${formatTokens(mark.prompt_tokens)} tokens`;
  const text =
    mark.faster === undefined
      ? `Crossover at ${at}`
      : `${names.get(mark.faster) ?? mark.faster} ahead from ${at}`;
  if (lo === undefined && hi === undefined) return [text];
  const from = lo == null ? "below the measured lengths" : formatTokens(lo);
  const to = hi == null ? "beyond the measured lengths" : formatTokens(hi);
  return [text, `${from} to ${to}`];
}

export interface Words {
  points: readonly Point[];
  dots: readonly Dot[];
  curves: readonly CurvePoint[];
  crossovers: readonly CrossoverMark[];
  oom: readonly Point[];
  names: ReadonlyMap<string, string>;
  metric: Metric;
}

/** Of one plot; a `broad` one has room for a crossover's words on one line. */
interface Size {
  readonly width: number;
  readonly height: number;
  readonly ticks: number;
  readonly broad: boolean;
}

export const SIZE = {
  wide: { width: 800, height: 360, ticks: 10, broad: true, characters: 130, legendColumns: 5 },
  narrow: { width: 318, height: 260, ticks: 5, broad: false, characters: 52, legendColumns: 2 },
} as const satisfies Record<Layout, Size & { characters: number; legendColumns: number }>;

/** Of each of two plots, which stand side by side where the layout is wide. */
const PANEL_SIZE = {
  wide: { width: 380, height: 330, ticks: 6, broad: false },
  narrow: SIZE.narrow,
} as const satisfies Record<Layout, Size>;

export interface Heading {
  title: string;
  subtitle: readonly string[];
  layout: Layout;
}

export interface Drawing extends Omit<Words, "metric"> {
  axis: string;
  /** Of both axes; default: log. */
  scale?: Scale;
}

/** A plot, or why there is none: the missing rows in words. */
export type Panel = { readonly title: string } & ({ drawing: Drawing } | { missing: string });

/** One plot under the heading. */
export const scalingSpec = (drawing: Drawing, heading: Heading): JsonObject =>
  headed(heading, plot(drawing, SIZE[heading.layout], { columns: SIZE[heading.layout].legendColumns }));

/** Plots on the same axes beside each other, below each other where the layout is narrow. */
export function scalingPanels(panels: readonly Panel[], heading: Heading): JsonObject {
  const { layout } = heading;
  const { legendColumns: columns } = SIZE[layout];
  const size = panels.length > 1 ? PANEL_SIZE[layout] : SIZE[layout];
  const drawings = panels.flatMap((panel) => ("drawing" in panel ? [panel.drawing] : []));
  const shared = { columns, x: unionOf(drawings.map(xDomainOf)), y: unionOf(drawings.map(yDomainOf)) };
  // One vocabulary of models, so that the panels' legends are one.
  const points = drawings.flatMap((drawing) => drawing.points);
  const names = displayNames(distinct(drawings.flatMap((drawing) => [...drawing.names.keys()])));
  const views = panels.map((panel) =>
    "drawing" in panel
      ? plot({ ...panel.drawing, points, names }, size, shared)
      : missingView(panel.missing, panels.length > 1 ? size : { ...size, height: MISSING_HEIGHT }),
  );
  const lines = drawings.map(
    ({ crossovers }) => crossovers.flatMap((mark) => crossoverWords(mark, names)).length,
  );
  return headed(
    heading,
    beside(
      views.map((view, i) => ({ view, title: panels[i]!.title })),
      { lift: 10 + LINE_HEIGHT * Math.max(0, ...lines), layout },
    ),
  );
}

/** Of words that stand alone where a plot would be. */
export const MISSING_HEIGHT = 120;

/** One view as it is; two beside each other, below each other where the layout is narrow, each under its title. */
export function beside(
  views: readonly { view: JsonObject; title: string }[],
  { lift, layout }: { lift: number; layout: Layout },
): JsonObject {
  if (views.length === 1) return views[0]!.view;
  const titled = views.map(({ view: { width, height, ...view }, title }) => ({
    width: width!,
    height: height!,
    layer: [panelTitle(title, lift), view],
  }));
  return { [layout === "wide" ? "hconcat" : "vconcat"]: titled, spacing: 30 };
}

/** As a mark, so that it stands as high over every panel: Vega puts titles above whatever else hangs over a plot. */
const panelTitle = (text: string, lift: number): JsonObject => ({
  data: { values: [{ text }] },
  mark: { type: "text", align: "left", baseline: "bottom", fontSize: 12, fontWeight: "bold" },
  encoding: { x: { value: 0 }, y: { value: -lift }, text: { field: "text" } },
});

const unionOf = (domains: readonly Domain[]): Domain => [
  Math.min(...domains.map(([low]) => low)),
  Math.max(...domains.map(([, high]) => high)),
];

/** A view under its title. */
export function headed({ title, subtitle, layout }: Heading, view: JsonObject): JsonObject {
  const lines = subtitle.flatMap((text) => wrap(text, SIZE[layout].characters));
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: THEME,
    title: { text: title, ...(lines.length > 0 ? { subtitle: lines } : {}), fontSize: 14, offset: 10 },
    ...view,
  };
}

/** The place of a plot with words instead of it. */
export const missingView = (text: string, { width, height }: Pick<Size, "width" | "height">): JsonObject => ({
  width,
  height,
  view: { stroke: RULE },
  data: { values: [{ lines: wrap(text, Math.floor(width / 7.5)) }] },
  mark: { type: "text", color: MUTED, lineHeight: 16 },
  encoding: { text: { field: "lines" } },
});

function plot(
  drawing: Drawing,
  size: Size,
  {
    columns,
    x: xDomain = xDomainOf(drawing),
    y: yDomain = yDomainOf(drawing),
  }: { columns: number; x?: Domain; y?: Domain },
): JsonObject {
  const { points, dots, curves, oom, names, axis, scale = "log" } = drawing;
  const frame: Frame = {
    x: (field) => ({
      field,
      type: "quantitative",
      title: "prompt length (tokens)",
      scale: { type: scale, domain: xDomain, nice: false },
      axis: { values: AXIS[scale].lengths(xDomain, size.ticks), format: ",d" },
    }),
    y: (field) => ({
      field,
      type: "quantitative",
      title: axis,
      scale: { type: scale, domain: yDomain, nice: false },
      axis: { values: AXIS[scale].values(yDomain), format: axis.includes("bytes") ? "~s" : ",~r" },
    }),
    ...modelScales(points, names, columns),
    labelOf: (model) => names.get(model) ?? model,
    place: (length) => AXIS[scale].place(length, xDomain),
  };
  return {
    width: size.width,
    height: size.height,
    layer: [
      ...crossoverLayers(drawing, frame, xDomain, size),
      ...curveLayers(curves, dots, frame, yDomain),
      ...dotLayers(dots, frame),
      ...oomLayers(oom, frame),
    ],
  };
}

interface Frame {
  x: (field: string) => JsonObject;
  y: (field: string) => JsonObject;
  color: JsonObject;
  shape: JsonObject;
  labelOf: (model: string) => string;
  /** Where a length stands: 0 at the left end of the x axis, 1 at the right. */
  place: (length: number) => number;
}

function xDomainOf({ dots, curves, crossovers, oom, scale = "log" }: Drawing): Domain {
  return AXIS[scale].domain(
    [
      ...dots.map((dot) => dot.length),
      ...[...curves, ...crossovers, ...oom].map((at) => at.prompt_tokens).filter((length) => length > 0),
    ],
    0.04,
  );
}

function yDomainOf({ dots, curves, oom, scale = "log" }: Drawing): Domain {
  const ends = dots.flatMap(({ value, lo, hi, bound = [] }) => [value, lo ?? value, hi ?? value, ...bound]);
  // Crosses of models that ran out of memory need room above the data.
  return AXIS[scale].domain([...ends, ...curves.map((curve) => curve.value)], oom.length > 0 ? 0.14 : 0.06);
}

function modelScales(points: readonly Point[], names: ReadonlyMap<string, string>, columns: number) {
  const familyOf = (model: string): string | null | undefined =>
    points.find((point) => point.model === model)?.family;
  const models = [...names.keys()];
  const scale = (range: string[]): JsonObject => ({
    field: "label",
    type: "nominal",
    scale: { domain: [...names.values()], range },
    legend: { orient: "bottom", title: null, columns, symbolOpacity: 1 },
  });
  return {
    color: scale([
      ...modelColors(models.map((model) => ({ model, family: familyOf(model) ?? null }))).values(),
    ]),
    shape: scale(models.map((model) => familyShape(familyOf(model)))),
  };
}

const LINE_HEIGHT = 14;

function crossoverLayers(
  { crossovers, names }: Drawing,
  { x, place }: Frame,
  domain: Domain,
  { width, broad }: Size,
): JsonObject[] {
  const [low, high] = domain;
  let lift = 4;
  return crossovers.flatMap((mark) => {
    const { prompt_tokens: at, prompt_tokens_lo: lo, prompt_tokens_hi: hi } = mark;
    const [text, interval] = crossoverWords(mark, names);
    const words = interval === undefined ? [text!] : [text!, `(${interval})`];
    const lines = broad ? [words.join(" ")] : words;
    lift += LINE_HEIGHT * lines.length;
    // Centred on the rule, but inside the plot; 6.8 pixels is a generous mean character of 11 pixels.
    const half = Math.min(width / 2, (6.8 * Math.max(...lines.map((line) => line.length))) / 2);
    const center = Math.min(width - half, Math.max(half, width * place(at)));
    const layers: JsonObject[] = [
      {
        data: { values: [{ at }] },
        mark: { type: "rule", color: INK, strokeDash: [4, 3] },
        encoding: { x: x("at") },
      },
      {
        data: { values: [{ lines }] },
        mark: { type: "text", baseline: "top", color: INK, lineHeight: LINE_HEIGHT },
        encoding: { x: { value: center }, y: { value: -lift }, text: { field: "lines" } },
      },
    ];
    if (lo === undefined && hi === undefined) return layers;
    const clamp = (length: number): number => Math.min(high, Math.max(low, length));
    return [
      {
        data: { values: [{ lo: clamp(lo ?? low), hi: clamp(hi ?? high) }] },
        mark: { type: "rect", color: "#000000", opacity: 0.08 },
        encoding: { x: x("lo"), x2: { field: "hi" } },
      },
      ...layers,
    ];
  });
}

/** Solid inside the lengths at which the model was measured, dashed outside; the pieces share their end points. */
function curveLayers(
  curves: readonly CurvePoint[],
  dots: readonly Dot[],
  frame: Frame,
  [low]: Domain,
): JsonObject[] {
  if (curves.length === 0) return [];
  const { x, y, color, labelOf } = frame;
  const band = curves.filter((point) => finite(point.value_lo) !== null && finite(point.value_hi) !== null);
  const layers: JsonObject[] = [];
  if (band.length > 0)
    layers.push({
      data: {
        values: band.map(({ model, prompt_tokens, value_lo, value_hi }) => ({
          label: labelOf(model),
          prompt_tokens,
          // A band may reach to 0 and below, where a logarithmic axis does not.
          lo: Math.max(low, value_lo!),
          hi: Math.max(low, value_hi!),
        })),
      },
      mark: { type: "area", opacity: 0.15, clip: true },
      encoding: { x: x("prompt_tokens"), y: y("lo"), y2: { field: "hi" }, color },
    });
  for (const [dashed, pieces] of [
    [false, measuredPieces(curves, dots, true)],
    [true, measuredPieces(curves, dots, false)],
  ] as const)
    if (pieces.length > 0)
      layers.push({
        data: {
          values: pieces.map(({ model, prompt_tokens, value, piece }) => ({
            label: labelOf(model),
            prompt_tokens,
            value,
            piece,
          })),
        },
        mark: { type: "line", strokeWidth: 1.8, ...(dashed ? { strokeDash: [5, 4] } : {}) },
        encoding: { x: x("prompt_tokens"), y: y("value"), color, detail: { field: "piece" } },
      });
  return layers;
}

export type CurvePiece = CurvePoint & { piece: string };

export function measuredPieces(
  curves: readonly CurvePoint[],
  dots: readonly Dot[],
  inside: boolean,
): CurvePiece[] {
  return distinct(curves.map((point) => point.model)).flatMap((model) => {
    const curve = curves
      .filter((point) => point.model === model)
      .sort((a, b) => a.prompt_tokens - b.prompt_tokens);
    const lengths = dots.filter((dot) => dot.model === model).map((dot) => dot.length);
    const [first, last] = [Math.min(...lengths), Math.max(...lengths)];
    // One point makes no line: a curve that ends where its dots do has no piece beyond.
    const tag = (points: CurvePoint[], piece: string): CurvePiece[] =>
      points.length < 2 ? [] : points.map((point) => ({ ...point, piece: `${model} ${piece}` }));
    const within = curve.filter(({ prompt_tokens: at }) => at >= first && at <= last);
    if (inside) return tag(within, "measured");
    if (within.length === 0) return tag(curve, "beyond");
    return [
      ...tag([...curve.filter((point) => point.prompt_tokens < first), within[0]!], "below"),
      ...tag([within.at(-1)!, ...curve.filter((point) => point.prompt_tokens > last)], "above"),
    ];
  });
}

function dotLayers(dots: readonly Dot[], { x, y, color, shape, labelOf }: Frame): JsonObject[] {
  const values = dots.map(({ model, length, value, lo, hi, doubtful }) => ({
    label: labelOf(model),
    length,
    value,
    lo,
    hi,
    doubtful,
  }));
  const layers: JsonObject[] = [];
  const bounds = dots.flatMap(({ model, length, bound }) =>
    bound ? [{ label: labelOf(model), length, from: bound[0], to: bound[1] }] : [],
  );
  if (bounds.length > 0)
    layers.push({
      data: { values: bounds },
      mark: { type: "rule", strokeWidth: 9, opacity: 0.3 },
      encoding: { x: x("length"), y: y("from"), y2: { field: "to" }, color },
    });
  const whiskers = values.filter((dot) => dot.lo !== null);
  if (whiskers.length > 0)
    layers.push({
      data: { values: whiskers },
      mark: { type: "errorbar", ticks: { width: 8 } },
      encoding: { x: x("length"), y: y("lo"), y2: { field: "hi" }, color },
    });
  for (const doubtful of [false, true]) {
    const some = values.filter((dot) => dot.doubtful === doubtful);
    if (some.length === 0) continue;
    const fill: JsonObject = doubtful ? { filled: false, fill: "#ffffff" } : { filled: true };
    layers.push({
      data: { values: some },
      mark: { type: "point", size: 55, strokeWidth: 1.4, opacity: 1, ...fill },
      encoding: { x: x("length"), y: y("value"), color, shape },
    });
  }
  return layers;
}

function oomLayers(oom: readonly Point[], { x, color, labelOf, place }: Frame): JsonObject[] {
  // One row of crosses a model, so that two models at one length do not hide each other.
  return distinct(oom.map((point) => point.model)).flatMap((model, row) => {
    const lengths = oom.filter((point) => point.model === model).map((point) => point.prompt_tokens);
    const values = lengths.map((length) => ({ label: labelOf(model), length, text: "✕" }));
    const y: JsonObject = { value: 10 + 16 * row };
    const [first, last] = [Math.min(...lengths), Math.max(...lengths)];
    // The words stand left of the first cross, or right of the last where the left has no room.
    const left = place(first) > 0.4;
    return [
      {
        data: { values },
        mark: { type: "text", fontSize: 13, fontWeight: "bold" },
        encoding: { x: x("length"), y, text: { field: "text" }, color },
      },
      // Twice: a white edge first, so that rules and grid do not run through the letters.
      ...[{ stroke: "#ffffff", strokeWidth: 4 }, {}].map((edge) => ({
        data: { values: [{ length: left ? first : last, text: "out of memory" }] },
        mark: { type: "text", align: left ? "right" : "left", dx: left ? -10 : 10, color: MUTED, ...edge },
        encoding: { x: x("length"), y, text: { field: "text" } },
      })),
    ];
  });
}
