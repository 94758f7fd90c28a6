import { linearTicks, logDomain, powersOfTwo, type Domain } from "./axis.js";
import type { JsonObject, Layout } from "./figure.js";
import { EMPTY_LINE, formatNumber, formatTokens, wrap } from "./format.js";
import { MISSING_HEIGHT, missingView } from "./scaling-spec.js";
import { INK, MUTED, THEME } from "./theme.js";

export const GIB = 2 ** 30;

/** One part at one length, in GiB from the bottom of the stack. */
export interface Segment {
  readonly part: string;
  readonly length: number;
  readonly from: number;
  readonly to: number;
}

export interface Total {
  readonly length: number;
  readonly gib: number;
  readonly lo: number | null;
  readonly hi: number | null;
  readonly doubtful: boolean;
}

/** What one model's panel shows. */
export interface Stack {
  readonly name: string;
  readonly segments: readonly Segment[];
  readonly totals: readonly Total[];
  /** Lengths that did not run: out of memory, or without a row where the paper's lengths go on. */
  readonly failed: readonly number[];
  readonly limitGib: number | null;
  /** From which lengths on it needs less than another model. */
  readonly crossings?: readonly Crossing[];
}

export interface Crossing {
  readonly tokens: number;
  /** Ends of the interval; null where it is open. */
  readonly lo: number | null;
  readonly hi: number | null;
  /** The other model, as readers know it. */
  readonly than: string;
}

const SIZE = {
  wide: { columns: 4, width: 170, height: 150, ticks: 4, characters: 130, gap: 52 },
  narrow: { columns: 2, width: 124, height: 130, ticks: 3, characters: 52, gap: 50 },
} as const satisfies Record<Layout, unknown>;
type Size = (typeof SIZE)[Layout];

interface Frame {
  readonly x: Domain;
  readonly top: number;
  /** Of each part that is there, from the bottom of the stack. */
  readonly colors: Readonly<Record<string, string>>;
  readonly size: Size;
}

/** The stacks of one source, or why there are none; `title` where there are several sources. */
export interface StackGrid {
  readonly title: string;
  readonly stacks: readonly Stack[];
  /** Said in the place of the panels where no run succeeded. */
  readonly missing: string;
}

/** Panels of stacked memory over the prompt length, a panel a model, a grid of panels a source. */
export function memoryStacksSpec(
  all: readonly StackGrid[],
  {
    title,
    subtitle,
    colors,
    layout,
  }: { title: string; subtitle: readonly string[]; colors: Frame["colors"]; layout: Layout },
): JsonObject {
  const size = SIZE[layout];
  const stacks = all.flatMap((one) => one.stacks);
  const lengths = stacks.flatMap(({ totals, failed }) => [...totals.map(({ length }) => length), ...failed]);
  const drawn = (part: string): boolean =>
    stacks.some(({ segments }) => segments.some((one) => one.part === part && one.to > one.from));
  const shared = {
    x: lengths.length > 0 ? logDomain(lengths, 0.06) : ([1, 2] as const),
    colors: Object.fromEntries(Object.entries(colors).filter(([part]) => drawn(part))),
    size,
  };
  // Devices differ too much in memory to share that axis.
  const grids = all.map((one) => gridOf(one, { ...shared, top: topOf(one.stacks) }));
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: THEME,
    title: {
      text: title,
      subtitle: subtitle.flatMap((text) => wrap(text, size.characters)),
      fontSize: 14,
      offset: 14,
    },
    ...(grids.length === 1
      ? grids[0]!
      : {
          vconcat: grids.map((grid, i) => ({
            title: { text: all[i]!.title, fontSize: 13, offset: 10 },
            ...grid,
          })),
          spacing: 36,
        }),
  };
}

/** Upper end of the memory axis, with room for the crosses above the highest. */
const topOf = (stacks: readonly Stack[]): number =>
  1.14 *
  Math.max(
    ...stacks.flatMap(({ totals, limitGib }) => [limitGib ?? 0, ...totals.map(({ gib, hi }) => hi ?? gib)]),
  );

function gridOf({ stacks, missing }: StackGrid, frame: Frame): JsonObject {
  const { columns, width, height, gap } = frame.size;
  if (!stacks.some(({ totals }) => totals.length > 0))
    return missingView(missing, { width: columns * width, height: MISSING_HEIGHT });
  const lines = Math.max(...stacks.map((stack) => subtitleOf(stack, frame.size).length));
  return {
    columns,
    bounds: "flush",
    spacing: { column: COLUMN_GAP, row: gap + 34 + LINE_HEIGHT * (lines - 1) },
    concat: stacks.map((stack) => ({
      title: {
        text: stack.name,
        // As many lines in every panel, so that the plots of a row stand level.
        subtitle: Array.from(
          { length: lines },
          (_, line) => subtitleOf(stack, frame.size)[line] ?? EMPTY_LINE,
        ),
        frame: "group",
      },
      width,
      height,
      layer: layersOf(stack, frame),
    })),
  };
}

const COLUMN_GAP = 46;
const LINE_HEIGHT = 14;
/** How far the model got, and from where on it needs less than another. */
const subtitleOf = (stack: Stack, { width }: Size): string[] =>
  [
    longest(stack),
    ...(stack.crossings ?? []).map(({ tokens, than }) => `below ${than} from ${formatTokens(tokens)}`),
  ]
    // 6 pixels is a mean character of 11 pixels; words may pass the plot's right end up to the next.
    .flatMap((text) => wrap(text, Math.floor((width + COLUMN_GAP) / 6)));

function longest({ totals, failed }: Stack): string {
  const last = totals.at(-1);
  if (!last) return "no length ran";
  const next = failed.find((length) => length > last.length);
  return `to ${formatTokens(last.length)}${next === undefined ? "" : `, not ${formatTokens(next)}`}`;
}

function layersOf({ segments, totals, failed, limitGib, crossings = [] }: Stack, frame: Frame): JsonObject[] {
  const { x: domain, top, colors, size } = frame;
  const parts = Object.keys(colors);
  const x = (field: string): JsonObject => ({
    field,
    type: "quantitative",
    title: "prompt length (tokens)",
    scale: { type: "log", domain, nice: false },
    axis: {
      values: powersOfTwo(domain, size.ticks),
      labelExpr: "datum.value < 1024 ? datum.value : datum.value / 1024 + 'K'",
      grid: false,
    },
  });
  const y = (field: string): JsonObject => ({
    field,
    type: "quantitative",
    title: "memory (GiB)",
    scale: { domain: [0, top], nice: false },
    axis: { values: linearTicks([0, top], 5) },
  });
  const color: JsonObject = {
    field: "part",
    type: "nominal",
    scale: { domain: parts, range: Object.values(colors) },
    legend: { orient: "bottom", title: null, columns: size.columns, symbolType: "square" },
  };
  const shown = segments.filter(({ part }) => parts.includes(part));
  // An area needs two lengths; one alone is a bar.
  const mark: JsonObject =
    totals.length > 1 ? { type: "area", opacity: 0.85 } : { type: "bar", size: 12, opacity: 0.85 };
  const layers: JsonObject[] = [
    {
      data: { values: shown.map((segment) => ({ ...segment })) },
      mark,
      encoding: { x: x("length"), y: y("from"), y2: { field: "to" }, color },
    },
    {
      data: {
        values: totals.map(({ length, gib, doubtful }) => ({
          length,
          gib,
          fill: doubtful ? "#ffffff" : INK,
        })),
      },
      mark: { type: "point", filled: true, size: 14, opacity: 1, stroke: INK, strokeWidth: 1 },
      encoding: { x: x("length"), y: y("gib"), fill: { field: "fill", type: "nominal", scale: null } },
    },
  ];
  const whiskers = totals.filter(({ lo, hi }) => lo !== null && hi !== lo);
  if (whiskers.length > 0)
    layers.push({
      data: { values: whiskers.map(({ length, lo, hi }) => ({ length, lo, hi })) },
      mark: { type: "errorbar", ticks: { width: 6 }, color: INK },
      encoding: { x: x("length"), y: y("lo"), y2: { field: "hi" } },
    });
  if (crossings.length > 0)
    layers.push(
      {
        data: {
          values: crossings.map(({ lo, hi }) => ({
            lo: Math.max(domain[0], lo ?? domain[0]),
            hi: Math.min(domain[1], hi ?? domain[1]),
          })),
        },
        mark: { type: "rect", color: "#000000", opacity: 0.1 },
        encoding: { x: x("lo"), x2: { field: "hi" } },
      },
      {
        data: { values: crossings.map(({ tokens }) => ({ crossing: tokens })) },
        mark: { type: "rule", color: INK, strokeDash: [2, 2] },
        encoding: { x: x("crossing") },
      },
    );
  if (limitGib !== null)
    layers.push(
      {
        data: { values: [{ limit: limitGib }] },
        mark: { type: "rule", color: INK, strokeDash: [4, 3] },
        encoding: { y: y("limit") },
      },
      // Twice: a white edge first, so that the grid does not run through the letters.
      ...[{ stroke: "#ffffff", strokeWidth: 4 }, {}].map((edge) => ({
        data: { values: [{ limit: limitGib, text: `${formatNumber(limitGib)} GiB` }] },
        mark: {
          type: "text",
          align: "left",
          baseline: "bottom",
          dy: -3,
          fontSize: 10,
          color: MUTED,
          ...edge,
        },
        encoding: { x: { value: 3 }, y: y("limit"), text: { field: "text" } },
      })),
    );
  if (failed.length > 0)
    layers.push({
      data: { values: failed.map((length) => ({ length, text: "✕" })) },
      mark: { type: "text", fontSize: 13, fontWeight: "bold" },
      encoding: { x: x("length"), y: { value: 6 }, text: { field: "text" } },
    });
  return layers;
}
