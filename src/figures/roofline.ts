import { UserError } from "../errors.js";
import { logDomain, logTicks, type Domain } from "./axis.js";
import type { Figure, JsonObject, Layout } from "./figure.js";
import { displayNames, formatNumber, listOf, shortTokens } from "./format.js";
import { listed, type Listed } from "./listed.js";
import { classesOf } from "./operator-class.js";
import { distinct, finite, type Point } from "./point.js";
import { headed } from "./scaling-spec.js";
import { describeSettings, deviceName } from "./settings.js";
import { sourceTitle, type Source } from "./sources.js";
import { INK, modelColors, MUTED } from "./theme.js";

/** A timed phase of one cell, a row of `efficiency(rows)`; or a class of operators in one, a row of `nodeEfficiency(nodes)`. */
export type UseOfDevice = Point & {
  /** Of a row that is of operators: points are then coloured by class. */
  op_class?: string | null;
  phase?: string | null;
  time_ms?: number | null;
  time_ms_lo?: number | null;
  time_ms_hi?: number | null;
  flops_per_s?: number | null;
  bytes_per_s?: number | null;
  flops_per_byte?: number | null;
  /** Shares of the ceilings, which follow from them; null where the device's are not known. */
  mfu?: number | null;
  mbu?: number | null;
};

/** How a roofline is drawn. */
export interface RooflineOptions {
  source?: Source;
  layout?: Layout;
}

/** What a device can do at most. */
interface Roof {
  readonly flopsPerS: number;
  readonly bytesPerS: number;
  readonly label: string;
}

/** A type, so that it is JSON. */
type Dot = {
  label: string;
  phase: string;
  length: number;
  intensity: number;
  rate: number;
  lo: number | null;
  hi: number | null;
};

const PREFILL = "prefill";
const DECODE = "one decoded token";
/** How the legend calls a phase. */
const PHASES: Readonly<Record<string, string>> = { prefill: PREFILL, decode: DECODE };

/**
 * The roofline: how many FLOP a second a device did, against how many FLOP a pass does with each byte it moves, under
 * what the device can do at most (Williams, Waterman and Patterson 2009, doi:10.1145/1498765.1498785). Left of the
 * ridge the memory bounds, right of it the arithmetic; the distance to the roof is what software leaves unused.
 *
 * @throws UserError when no row has a rate and an intensity
 */
export function rooflineFigure(
  given: Listed<UseOfDevice>,
  { source = "measured", layout = "wide" }: RooflineOptions = {},
): Figure {
  const rows = listed(given).filter(
    (row) => (finite(row.flops_per_s) ?? 0) > 0 && (finite(row.flops_per_byte) ?? 0) > 0,
  );
  if (rows.length === 0)
    throw new UserError(
      "no row has flops_per_s and flops_per_byte: it takes timed rows with the work of their passes (prefill_flops, prefill_moved_bytes, decode_flops, decode_moved_bytes)",
    );
  const series = seriesOf(rows);
  const { names } = series;
  const dots = rows.map((row): Dot => dotOf(row, names.get(series.keyOf(row))!));
  const roofs = roofsOf(rows);
  const where = sourceTitle({ source, points: rows });
  const title = series.ofOperators
    ? "Roofline: how far operators use a device"
    : "Roofline: how far a device is used";
  return {
    name: `roofline-${source}`,
    title: `${title}, ${where}`,
    caption: caption(rows, { series, roofs, source }),
    spec: headed(
      {
        title,
        subtitle: [
          where,
          (roofs.length > 0
            ? "On the roof a device does all it can"
            : "What the device can do at most is not known, so there is no roof") +
            (SIZE[layout].labels ? "; numbers at the points are prompt lengths" : ""),
        ],
        layout,
      },
      draw(dots, { series, roofs, layout }),
    ),
  };
}

/** What has a colour, and a line: models, or of rows of operators their classes, of several models with the model's name. */
interface Series {
  readonly ofOperators: boolean;
  readonly keyOf: (row: UseOfDevice) => string;
  /** Names in the legend, by key. */
  readonly names: ReadonlyMap<string, string>;
  readonly colors: ReadonlyMap<string, string>;
}

function seriesOf(rows: readonly UseOfDevice[]): Series {
  const models = displayNames(distinct(rows.map(({ model }) => model)));
  const classes = classesOf(rows.flatMap(({ op_class }) => op_class ?? []));
  if (classes.length === 0)
    return { ofOperators: false, keyOf: ({ model }) => model, names: models, colors: modelColors(rows) };
  const keyOf = ({ model, op_class }: UseOfDevice): string => JSON.stringify([op_class ?? "", model]);
  const keys = classes.flatMap((of) =>
    [...models]
      .filter(([model]) => rows.some((row) => row.model === model && row.op_class === of.op_class))
      .map(([model, name]) => ({ key: keyOf({ model, op_class: of.op_class, prompt_tokens: 0 }), name, of })),
  );
  const label = ({ name, of }: (typeof keys)[number]): string =>
    models.size > 1 ? `${of.label}, ${name}` : of.label;
  return {
    ofOperators: true,
    keyOf,
    names: new Map(keys.map((one) => [one.key, label(one)])),
    colors: new Map(keys.map(({ key, of }) => [key, of.color])),
  };
}

function dotOf(row: UseOfDevice, label: string): Dot {
  const rate = row.flops_per_s!;
  const [time, lo, hi] = [finite(row.time_ms), finite(row.time_ms_lo), finite(row.time_ms_hi)];
  // A rate falls as the time rises: the ends of the interval change places.
  const whole = time !== null && lo !== null && hi !== null && lo > 0;
  return {
    label,
    phase: PHASES[row.phase ?? ""] ?? row.phase ?? "",
    length: row.prompt_tokens,
    intensity: row.flops_per_byte!,
    rate,
    lo: whole ? (rate * time) / hi : null,
    hi: whole ? (rate * time) / lo : null,
  };
}

/** The ceilings that the rows' shares are of, one a device and type of numbers. */
function roofsOf(rows: readonly UseOfDevice[]): Roof[] {
  const roofs = new Map<string, Roof>();
  for (const { flops_per_s, bytes_per_s, mfu, mbu, device } of rows) {
    if (!flops_per_s || !bytes_per_s || !mfu || !mbu) continue;
    const [flopsPerS, bytesPerS] = [flops_per_s / mfu, bytes_per_s / mbu];
    const label = `${device == null ? "" : `${deviceName(device)}, `}${siWords(flopsPerS, "FLOP/s")}, ${siWords(bytesPerS, "B/s")}`;
    roofs.set(label, roofs.get(label) ?? { flopsPerS, bytesPerS, label });
  }
  return [...roofs.values()];
}

const PREFIXES = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
] as const;

/** 1.652e14 FLOP/s → "165 TFLOP/s". */
function siWords(value: number, unit: string): string {
  const [factor, prefix] = PREFIXES.find(([from]) => value >= from) ?? [1, ""];
  return `${formatNumber(value / factor)} ${prefix}${unit}`;
}

function caption(
  rows: readonly UseOfDevice[],
  { series, roofs, source }: { series: Series; roofs: readonly Roof[]; source: Source },
): string {
  const sentences = [
    series.ofOperators
      ? `FLOP a second of classes of operators of ${listOf([...displayNames(distinct(rows.map(({ model }) => model))).values()])} against FLOP a byte moved, both axes logarithmic: the least work of their nodes by type and shapes over the time they took under the profiler; lines join the lengths of one class and phase, and classes without FLOPs of their own are left out`
      : `FLOP a second of ${listOf([...series.names.values()])} against FLOP a byte moved, both axes logarithmic: the least work of a pass by the model's hyper-parameters over the median of its measured time; lines join the lengths of one model and phase`,
    `Setting: ${describeSettings(rows) || "the rows state none"}`,
    ...roofs.map(({ label }) => `Roof: ${label}, the maker's peak rates or those given`),
  ];
  if (rows.some((row) => finite(row.time_ms_lo) !== null)) sentences.push("Whiskers are 95% intervals");
  const unknown = distinct(rows.filter(({ mfu }) => mfu == null).map(({ device }) => device ?? "not stated"));
  if (unknown.length > 0)
    sentences.push(
      `What ${listOf(unknown.map(deviceName))} can do at most is not known: give efficiency(rows, { ceilings })`,
    );
  for (const phase of distinct(rows.map((row) => row.phase))) {
    const shares = rows.flatMap((row) => (row.phase === phase ? (finite(row.mfu) ?? []) : []));
    const moved = rows.flatMap((row) => (row.phase === phase ? (finite(row.mbu) ?? []) : []));
    if (shares.length > 0 && moved.length > 0)
      sentences.push(
        `${phase[0]!.toUpperCase()}${phase.slice(1)}: ${percentRange(shares)} of the arithmetic and ${percentRange(moved)} of the memory's rate`,
      );
  }
  if (source === "paper")
    sentences.push(
      "The work is ours to compute, of the published configurations with the logits of every position, as the paper ran them; the paper states none",
    );
  return sentences.map((sentence) => `${sentence}.`).join(" ");
}

function percentRange(shares: readonly number[]): string {
  const [least, most] = [Math.min(...shares), Math.max(...shares)].map((share) =>
    (100 * share).toPrecision(2),
  );
  return least === most ? `${least!}%` : `${least!} to ${most!}%`;
}

// Drawing.

const SIZE = {
  wide: { width: 800, height: 380, legendColumns: 6, labels: true },
  // A phone has no room for lengths at the points, and its two legends stand side by side.
  narrow: { width: 300, height: 280, legendColumns: 1, labels: false },
} as const satisfies Record<Layout, unknown>;

function draw(
  dots: readonly Dot[],
  { series, roofs, layout }: { series: Series; roofs: readonly Roof[]; layout: Layout },
): JsonObject {
  const size = SIZE[layout];
  const ridges = roofs.map(({ flopsPerS, bytesPerS }) => flopsPerS / bytesPerS);
  const xDomain = logDomain([...dots.map(({ intensity }) => intensity), ...ridges], 0.07);
  const yDomain = logDomain(
    [
      ...dots.flatMap(({ rate, lo, hi }) => [rate, lo ?? rate, hi ?? rate]),
      ...roofs.map(({ flopsPerS }) => flopsPerS),
    ],
    0.07,
  );
  const { names, colors } = series;
  const legend: JsonObject = { orient: "bottom", title: null, columns: size.legendColumns, symbolOpacity: 1 };
  const color: JsonObject = {
    field: "label",
    type: "nominal",
    scale: { domain: [...names.values()], range: [...names.keys()].map((key) => colors.get(key)!) },
    legend,
  };
  const phases = distinct(dots.map(({ phase }) => phase));
  const x = (field: string): JsonObject => ({
    field,
    type: "quantitative",
    title: "arithmetic intensity (FLOP/byte)",
    scale: { type: "log", domain: xDomain, nice: false },
    axis: { values: logTicks(xDomain), format: ",~r" },
  });
  const y = (field: string): JsonObject => ({
    field,
    type: "quantitative",
    title: "achieved (FLOP/s)",
    scale: { type: "log", domain: yDomain, nice: false },
    axis: { values: decadesIn(yDomain), format: "~s" },
  });
  const at = { x: x("intensity"), y: y("rate") };
  const whiskers = dots.filter(({ lo }) => lo !== null);
  return {
    width: size.width,
    height: size.height,
    layer: [
      ...roofs.flatMap((roof) => roofLayers(roof, { x, y, xDomain, yDomain })),
      {
        data: { values: [...dots].sort((a, b) => a.length - b.length) },
        mark: { type: "line", strokeWidth: 1, opacity: 0.6 },
        encoding: { ...at, color, detail: { field: "phase" }, order: { field: "length" } },
      },
      ...(whiskers.length > 0
        ? [
            {
              data: { values: whiskers },
              mark: { type: "errorbar", ticks: { width: 6 } },
              encoding: { x: x("intensity"), y: y("lo"), y2: { field: "hi" }, color },
            },
          ]
        : []),
      {
        data: { values: dots },
        mark: { type: "point", filled: true, size: 55, opacity: 1 },
        encoding: {
          ...at,
          color,
          shape: {
            field: "phase",
            type: "nominal",
            scale: { domain: phases, range: phases.map((phase) => SHAPES[phase] ?? "square") },
            legend,
          },
        },
      },
      ...(size.labels ? labelLayers(dots, at) : []),
    ],
  };
}

const SHAPES: Readonly<Record<string, string>> = {
  [PREFILL]: "circle",
  [DECODE]: "triangle-up",
};

/** Powers of ten, as between them there are too many to read as prefixes; where a plot has hardly one, those too. */
function decadesIn(domain: Domain): number[] {
  const [low, high] = domain;
  const first = Math.ceil(Math.log10(low));
  const count = Math.floor(Math.log10(high)) - first + 1;
  return count < 2 ? logTicks(domain) : Array.from({ length: count }, (_, i) => 10 ** (first + i));
}

/** The shortest length of a prefill left of its point, the longest above; decoded tokens crowd at one intensity. */
function labelLayers(dots: readonly Dot[], at: JsonObject): JsonObject[] {
  const lines = distinct(dots.map(({ label }) => label)).map((label) =>
    dots.filter((dot) => dot.label === label && dot.phase === PREFILL).sort((a, b) => a.length - b.length),
  );
  const layer = (ends: (Dot | undefined)[], style: JsonObject): JsonObject => ({
    data: { values: distinct(ends).map((dot) => ({ ...dot, text: shortTokens(dot.length) })) },
    mark: { type: "text", fontSize: 9, color: MUTED, ...style },
    encoding: { ...at, text: { field: "text" } },
  });
  return [
    layer(
      lines.map((line) => line[0]),
      { align: "right", dx: -7 },
    ),
    layer(
      lines.map((line) => (line.length > 1 ? line.at(-1) : undefined)),
      { dy: -11 },
    ),
  ];
}

function roofLayers(
  { flopsPerS, bytesPerS, label }: Roof,
  {
    x,
    y,
    xDomain: [left, right],
    yDomain: [bottom],
  }: {
    x: (field: string) => JsonObject;
    y: (field: string) => JsonObject;
    xDomain: Domain;
    yDomain: Domain;
  },
): JsonObject[] {
  const ridge = flopsPerS / bytesPerS;
  // Where the slope enters the plot, from the left or from below.
  const start = Math.max(left, bottom / bytesPerS);
  const corners = [
    { intensity: start, rate: start * bytesPerS },
    { intensity: ridge, rate: flopsPerS },
    { intensity: right, rate: flopsPerS },
  ];
  return [
    {
      data: { values: corners },
      mark: { type: "line", color: INK, strokeWidth: 1.5 },
      encoding: { x: x("intensity"), y: y("rate"), order: { field: "intensity" } },
    },
    {
      data: { values: [{ intensity: right, rate: flopsPerS, label }] },
      mark: { type: "text", align: "right", baseline: "bottom", dy: -4, color: INK },
      encoding: { x: x("intensity"), y: y("rate"), text: { field: "label" } },
    },
  ];
}
