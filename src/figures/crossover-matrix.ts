import { UserError } from "../errors.js";
import type { Figure, JsonObject, Layout } from "./figure.js";
import { displayNames, formatTokens, stack } from "./format.js";
import { listed, type Listed } from "./listed.js";
import { asPoints, distinct, type Metric, type Points } from "./point.js";
import { METRICS } from "./scaling.js";
import { headed } from "./scaling-spec.js";
import { describeSettings } from "./settings.js";
import { sourceTitle, type Source } from "./sources.js";
import { INK } from "./theme.js";

/** A pair of series: a row of `crossoverMatrix`, its labels made the same in every row of one series. */
export interface ComparedPair {
  metric?: string | null;
  a: string;
  b: string;
  /** crossing, extrapolated, multiple, none-in-range or not-separable; null with a problem. */
  state?: string | null;
  crossings?: number | null;
  tokens?: number | null;
  tokens_lo?: number | null;
  tokens_hi?: number | null;
  lower_below?: string | null;
  lower_above?: string | null;
  confidence?: number | null;
  /** How the samples themselves differ from the fitted curves; null where they do not. */
  note?: string | null;
  problem?: string | null;
}

/** What goes with the pairs of a matrix. */
export interface CrossoverMatrixOptions {
  /** The points compared, for the caption to say their device and settings. */
  points?: Points;
  source?: Source;
  layout?: Layout;
}

/** What a cell says of its row's model against its column's, with the colour that says it at a glance. */
const KINDS = {
  lower: { label: "lower at every length", color: "#0072B2", ink: "#ffffff" },
  "lower-above": { label: "lower from a length on", color: "#56B4E9", ink: INK },
  "lower-below": { label: "lower up to a length", color: "#F3D08F", ink: INK },
  higher: { label: "higher at every length", color: "#D55E00", ink: "#ffffff" },
  unclear: { label: "not told apart", color: "#DDDDDD", ink: INK },
  none: { label: "not comparable", color: "#F7F7F7", ink: INK },
} as const;
type Kind = keyof typeof KINDS;

/** A type, so that it is JSON. */
type Cell = { row: string; column: string; label: string; ink: string; lines: string[] };

/**
 * Who is lower than whom, from which length on: every pair of models, read along a row. A crossing stands with its
 * interval; a model is never told apart from another by its median alone.
 *
 * @throws UserError when no pair is given
 * @example
 * crossoverMatrixFigure(crossoverMatrix(rows, { metric: "ttft_ms" }));
 */
export function crossoverMatrixFigure(
  given: Listed<ComparedPair>,
  { points = [], source = "measured", layout = "wide" }: CrossoverMatrixOptions = {},
): Figure {
  const pairs = listed(given);
  if (pairs.length === 0) throw new UserError("no pair of models is given: a crossover needs two series");
  const names = displayNames(distinct(pairs.flatMap(({ a, b }) => [a, b])));
  const metric = distinct(pairs.map((pair) => pair.metric))[0];
  const what = metric && metric in METRICS ? METRICS[metric as Metric].name : (metric ?? "cost");
  const cells = pairs.flatMap((pair) => [
    cellOf(pair, pair.a, pair.b, names),
    cellOf(pair, pair.b, pair.a, names),
  ]);
  const title = `Crossovers of ${what}, every pair`;
  const where = sourceTitle({ source, points });
  return {
    name: `crossover-matrix-${source}`,
    title: `${title}, ${where}`,
    caption: caption(pairs, { names, what, setting: describeSettings(asPoints(points)) }),
    spec: headed({ title, subtitle: [where, READING], layout }, draw(cells, names, layout)),
  };
}

const READING = "Read along a row: the model of the row against that of the column";

function kindOf({ state, lower_below, lower_above }: ComparedPair, row: string): Kind {
  if (state == null) return "none";
  if (state === "not-separable") return "unclear";
  if (state === "none-in-range") return lower_below === row ? "lower" : "higher";
  return lower_above === row ? "lower-above" : "lower-below";
}

function cellOf(pair: ComparedPair, row: string, column: string, names: ReadonlyMap<string, string>): Cell {
  const kind = kindOf(pair, row);
  const { label, ink } = KINDS[kind];
  return { row: names.get(row)!, column: names.get(column)!, label, ink, lines: wordsOf(pair, kind) };
}

function wordsOf(pair: ComparedPair, kind: Kind): string[] {
  if (kind === "none") return ["–"];
  if (kind === "unclear") return ["not told", "apart"];
  if (kind === "lower" || kind === "higher") return [kind];
  const { tokens, tokens_lo: lo, tokens_hi: hi, state, crossings } = pair;
  const end = (at: number | null | undefined): string => (at == null ? "?" : formatTokens(at));
  const lines = [
    kind === "lower-above" ? "lower from" : "lower up to",
    formatTokens(tokens ?? NaN),
    `(${end(lo)}–${end(hi)})`,
  ];
  if (state === "extrapolated") lines.push("extrapolated");
  if (state === "multiple") lines.push(`last of ${crossings ?? 2}`);
  return lines;
}

function caption(
  pairs: readonly ComparedPair[],
  { names, what, setting }: { names: ReadonlyMap<string, string>; what: string; setting: string },
): string {
  const of = (state: string): number => pairs.filter((pair) => pair.state === state).length;
  const nameOf = (label: string): string => names.get(label) ?? label;
  const sentences = [
    `Which of two models has the lower ${what}, from which prompt length on, for ${pairs.length === 1 ? "one pair" : `${pairs.length} pairs`}; read along a row: the row's model against the column's`,
    ...(setting ? [`Setting: ${setting}`] : []),
    "Lengths are in prompt tokens, in brackets the interval of the crossing; ? is an open end, beyond what was searched",
  ];
  const confidences = distinct(pairs.map(({ confidence }) => confidence));
  if (confidences.length === 1)
    sentences.push(
      `Every pair is judged on its own with ${Math.round(100 * confidences[0]!)}% confidence, so among many pairs one may be told apart by chance`,
    );
  if (of("extrapolated") > 0)
    sentences.push("Extrapolated: the fitted curves meet where nothing was measured");
  if (of("multiple") > 0)
    sentences.push(
      "Of several crossings the last is shown, beyond which the order stays; lower up to it is lower since the one before",
    );
  const otherwise = pairs.filter(({ note }) => note != null);
  if (otherwise.length > 0)
    sentences.push(
      `Lengths are those of fitted curves; the samples themselves say otherwise of ${otherwise.map(({ a, b }) => `${nameOf(a)} and ${nameOf(b)}`).join(", ")}`,
    );
  for (const { a, b, problem } of pairs)
    if (problem != null) sentences.push(`${nameOf(a)} and ${nameOf(b)} cannot be compared: ${problem}`);
  return sentences.map((sentence) => `${sentence.replace(/\.$/, "")}.`).join(" ");
}

// Drawing.

/** Pixels of a cell: as large as its words need, and no larger than is easily read along. */
const SIZE = {
  wide: { most: 820, least: 92, largest: 170, height: 66, legendColumns: 6 },
  narrow: { most: 270, least: 92, largest: 92, height: 66, legendColumns: 2 },
} as const satisfies Record<Layout, unknown>;

function draw(cells: readonly Cell[], names: ReadonlyMap<string, string>, layout: Layout): JsonObject {
  const size = SIZE[layout];
  const order = [...names.values()];
  const step = Math.max(size.least, Math.min(size.largest, Math.floor(size.most / order.length)));
  const shown = Object.values(KINDS).filter(({ label }) => cells.some((cell) => cell.label === label));
  const split = "split(datum.label, '\\n')";
  const lined = (name: string): string => stack(name).join("\n");
  const labelLines = Math.max(...order.map((name) => stack(name).length));
  const axis: JsonObject = { title: null, ticks: false, domain: false, grid: false };
  const place: JsonObject = {
    x: {
      field: "column",
      type: "nominal",
      scale: { domain: order.map(lined), paddingInner: 0.03, paddingOuter: 0 },
      // Vega lays further lines of a label below the first, into the plot.
      axis: {
        ...axis,
        orient: "top",
        labelAngle: 0,
        labelExpr: split,
        labelPadding: 5 + 13 * (labelLines - 1),
      },
    },
    y: {
      field: "row",
      type: "nominal",
      scale: { domain: order, paddingInner: 0.05, paddingOuter: 0 },
      axis: { ...axis, labelFontWeight: "bold" },
    },
  };
  const values = cells.map((cell) => ({ ...cell, column: lined(cell.column) }));
  return {
    width: step * order.length,
    height: size.height * order.length,
    layer: [
      {
        data: { values: values.map(({ row, column, label }) => ({ row, column, label })) },
        mark: { type: "rect", stroke: "#BBBBBB", strokeWidth: 0.5 },
        encoding: {
          ...place,
          color: {
            field: "label",
            type: "nominal",
            scale: { domain: shown.map(({ label }) => label), range: shown.map(({ color }) => color) },
            legend: { orient: "bottom", title: null, columns: size.legendColumns, symbolType: "square" },
          },
        },
      },
      // A layer for each number of lines: Vega lays lines below the first, so they are lifted by their number.
      ...distinct(values.map(({ lines, ink }) => `${lines.length} ${ink}`)).map((kind) => {
        const some = values.filter(({ lines, ink }) => `${lines.length} ${ink}` === kind);
        const { lines, ink } = some[0]!;
        return {
          data: { values: some.map(({ row, column, lines }) => ({ row, column, lines })) },
          mark: {
            type: "text",
            baseline: "middle",
            fontSize: 10,
            lineHeight: 13,
            dy: -6.5 * (lines.length - 1),
            color: ink,
          },
          encoding: { ...place, text: { field: "lines" } },
        };
      }),
    ],
  };
}
