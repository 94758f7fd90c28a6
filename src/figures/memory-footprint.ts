import { linearTicks, logDomain, powersOfTwo, type Domain } from "./axis.js";
import type { Figure, JsonObject, Layout } from "./figure.js";
import { displayNames, formatNumber, formatTokens, listOf, wrap } from "./format.js";
import { caption, PAPER_MEMORY, type MemoryFigure } from "./memory-footprint-caption.js";
import { asPoints, distinct, factsOf, finite, isDoubtful, isOk, type Point } from "./point.js";
import { MISSING_HEIGHT, missingView } from "./scaling-spec.js";
import { refuseDuplicates } from "./settings.js";
import { sourced, sourceName, sourceTitle, type DrawOptions, type Sourced, type Sources } from "./sources.js";
import { INK, MEMORY_COLORS, MUTED, THEME } from "./theme.js";

/** Figure 5a of the paper: memory of a prefill against its length, a panel a model, on an RTX 4090. */
export const figure5a = (sources: Sources, options: DrawOptions = {}): Figure => draw("5a", sources, options);

/** Figure 5b: the same on a Jetson Orin Nano. */
export const figure5b = (sources: Sources, options: DrawOptions = {}): Figure => draw("5b", sources, options);

const GIB = 2 ** 30;

type Part = keyof typeof MEMORY_COLORS;
const PARTS = Object.keys(MEMORY_COLORS) as Part[];

/** Bytes of each part; the states are held twice, as `total_bytes` counts them. */
const BYTES_OF: Readonly<Record<Part, (point: Point) => number>> = {
  weights: ({ weights_bytes }) => weights_bytes ?? 0,
  "peak activations": ({ peak_activation_bytes }) => peak_activation_bytes ?? 0,
  "KV cache": ({ kv_cache_bytes }) => kv_cache_bytes ?? 0,
  "SSM and convolution states": (point) => 2 * ((point.ssm_state_bytes ?? 0) + (point.conv_state_bytes ?? 0)),
  "tables of positions": ({ table_bytes }) => table_bytes ?? 0,
};

/** One part at one length, in GiB from the bottom of the stack. */
interface Segment {
  readonly part: Part;
  readonly length: number;
  readonly from: number;
  readonly to: number;
}

interface Total {
  readonly length: number;
  readonly gib: number;
  readonly lo: number | null;
  readonly hi: number | null;
  readonly doubtful: boolean;
}

/** What one model's panel shows. */
interface Stack {
  readonly name: string;
  readonly segments: readonly Segment[];
  readonly totals: readonly Total[];
  /** Lengths that did not run: out of memory, or without a row where the paper's lengths go on. */
  readonly failed: readonly number[];
  readonly limitGib: number | null;
}

/** One source as it is drawn. */
export interface Footprint extends Sourced<readonly Point[]> {
  readonly title: string;
  readonly models: ReadonlyMap<string, string>;
  readonly stacks: readonly Stack[];
}

function draw(number: MemoryFigure, sources: Sources, { layout = "wide" }: DrawOptions): Figure {
  const given = sourced(sources);
  const all = given.map((one) => footprintOf(number, one));
  const where = all.map(({ title }) => title).join("; ");
  return {
    name: `fig${number}-${sourceName(given)}`,
    title: `Figure ${number}: memory of a prefill, ${where}`,
    caption: caption(number, all),
    spec: specOf(number, all, layout),
  };
}

// Choosing what to draw.

function footprintOf(number: MemoryFigure, one: Sourced): Footprint {
  const points = asPoints(one.points).filter(
    (point) => point.prompt_tokens > 0 && (point.status === "oom" || hasTotal(point)),
  );
  refuseDuplicates(points, `Figure ${number}`);
  const present = distinct(points.map(({ model }) => model));
  // The paper's order, then what it does not show.
  const models = displayNames(
    distinct([...PAPER_MEMORY[number].models.filter((model) => present.includes(model)), ...present]),
  );
  const limits = factsOf(one.points, "limit");
  const longest = Math.max(...points.filter(hasTotal).map(({ prompt_tokens }) => prompt_tokens));
  const stacks = [...models].map(([model, name]): Stack => {
    const own = points.filter((point) => point.model === model);
    const limit = limits.find((row) => row.model === model);
    const oom = own.filter((point) => point.status === "oom").map((point) => point.prompt_tokens);
    const limitBytes =
      limit?.memory_limit_bytes ?? own.find((point) => point.memory_limit_bytes)?.memory_limit_bytes;
    const ok = own.filter(hasTotal).sort((a, b) => a.prompt_tokens - b.prompt_tokens);
    return {
      name,
      segments: ok.flatMap(segmentsOf),
      totals: ok.map(totalOf),
      // A next length beyond everybody's was not tried.
      failed: [...oom, ...[limit?.next_prompt_tokens ?? Infinity].filter((next) => next <= longest)].sort(
        (a, b) => a - b,
      ),
      limitGib: limitBytes == null ? null : limitBytes / GIB,
    };
  });
  return { source: one.source, points, title: sourceTitle(one), models, stacks };
}

const hasTotal = (point: Point): boolean => isOk(point) && finite(point.total_bytes) !== null;

/** The stack at one length. A part below 0, as the paper's Falcon-H1 has one, takes no room: the caption says so. */
function segmentsOf(point: Point): Segment[] {
  let top = 0;
  return PARTS.map((part) => {
    const from = top;
    top += Math.max(0, BYTES_OF[part](point)) / GIB;
    return { part, length: point.prompt_tokens, from, to: top };
  });
}

function totalOf(point: Point): Total {
  const [lo, hi] = [finite(point.total_bytes_lo), finite(point.total_bytes_hi)];
  const whole = lo !== null && hi !== null;
  return {
    length: point.prompt_tokens,
    gib: point.total_bytes! / GIB,
    lo: whole ? lo / GIB : null,
    hi: whole ? hi / GIB : null,
    doubtful: isDoubtful(point),
  };
}

// Drawing.

const SIZE = {
  wide: { columns: 4, width: 170, height: 150, ticks: 4, characters: 130, gap: 52 },
  narrow: { columns: 2, width: 124, height: 130, ticks: 3, characters: 52, gap: 50 },
} as const satisfies Record<Layout, unknown>;
type Size = (typeof SIZE)[Layout];

interface Frame {
  readonly x: Domain;
  readonly top: number;
  readonly parts: readonly Part[];
  readonly size: Size;
}

function specOf(number: MemoryFigure, all: readonly Footprint[], layout: Layout): JsonObject {
  const size = SIZE[layout];
  const stacks = all.flatMap((one) => one.stacks);
  const lengths = stacks.flatMap(({ totals, failed }) => [...totals.map(({ length }) => length), ...failed]);
  const shared = {
    x: lengths.length > 0 ? logDomain(lengths, 0.06) : ([1, 2] as const),
    parts: PARTS.filter((part) =>
      stacks.some(({ segments }) => segments.some((one) => one.part === part && one.to > one.from)),
    ),
    size,
  };
  const limited = stacks.some(({ limitGib }) => limitGib !== null);
  const subtitle = [
    ...(all.length > 1 ? [] : [all[0]!.title]),
    `Stacked, in GiB over the prompt length; dots are the totals${limited ? "; dashed: memory of the device, or its budget" : ""}`,
    ...distinct(
      all.flatMap((one) => (one.stacks.some(({ failed }) => failed.length > 0) ? [crossWords(one)] : [])),
    ),
  ];
  // Devices differ too much in memory to share that axis.
  const grids = all.map((one) => gridOf(number, one, { ...shared, top: topOf(one) }));
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: THEME,
    title: {
      text: `Figure ${number}, memory of a prefill`,
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
const topOf = ({ stacks }: Footprint): number =>
  1.14 *
  Math.max(
    ...stacks.flatMap(({ totals, limitGib }) => [limitGib ?? 0, ...totals.map(({ gib, hi }) => hi ?? gib)]),
  );

const crossWords = ({ source }: Footprint): string =>
  source === "paper"
    ? "✕ next length that others have rows of; published activations are mostly logits of every position"
    : "✕ out of memory";

function gridOf(number: MemoryFigure, { stacks }: Footprint, frame: Frame): JsonObject {
  const { columns, width, height, gap } = frame.size;
  if (!stacks.some(({ totals }) => totals.length > 0)) {
    const names = listOf([...displayNames(PAPER_MEMORY[number].models).values()]);
    const text = `There is nothing to draw: no row has total_bytes of a run that succeeded. The paper's figure has ${names}.`;
    return missingView(text, { width: columns * width, height: MISSING_HEIGHT });
  }
  return {
    columns,
    bounds: "flush",
    spacing: { column: 46, row: gap + 34 },
    concat: stacks.map((stack) => ({
      title: { text: stack.name, subtitle: longest(stack), frame: "group" },
      width,
      height,
      layer: layersOf(stack, frame),
    })),
  };
}

/** A panel's subtitle: how far the model got. */
function longest({ totals, failed }: Stack): string {
  const last = totals.at(-1);
  if (!last) return "no length ran";
  const next = failed.find((length) => length > last.length);
  return `to ${formatTokens(last.length)}${next === undefined ? "" : `, not ${formatTokens(next)}`}`;
}

function layersOf({ segments, totals, failed, limitGib }: Stack, frame: Frame): JsonObject[] {
  const { x: domain, top, parts, size } = frame;
  const x: JsonObject = {
    field: "length",
    type: "quantitative",
    title: "prompt length (tokens)",
    scale: { type: "log", domain, nice: false },
    axis: {
      values: powersOfTwo(domain, size.ticks),
      labelExpr: "datum.value < 1024 ? datum.value : datum.value / 1024 + 'K'",
      grid: false,
    },
  };
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
    scale: { domain: parts, range: parts.map((part) => MEMORY_COLORS[part]) },
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
      encoding: { x, y: y("from"), y2: { field: "to" }, color },
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
      encoding: { x, y: y("gib"), fill: { field: "fill", type: "nominal", scale: null } },
    },
  ];
  const whiskers = totals.filter(({ lo, hi }) => lo !== null && hi !== lo);
  if (whiskers.length > 0)
    layers.push({
      data: { values: whiskers.map(({ length, lo, hi }) => ({ length, lo, hi })) },
      mark: { type: "errorbar", ticks: { width: 6 }, color: INK },
      encoding: { x, y: y("lo"), y2: { field: "hi" } },
    });
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
      encoding: { x, y: { value: 6 }, text: { field: "text" } },
    });
  return layers;
}
