import type { Domain } from "./axis.js";
import type { JsonObject, Layout } from "./figure.js";
import { EMPTY_LINE, wrap } from "./format.js";
import { classesOf, type OperatorClass } from "./operator-class.js";
import type { Share } from "./operator-profile.js";
import { distinct } from "./point.js";
import { INK, MUTED, THEME } from "./theme.js";

/** A stack that reaches 100 %, or the reason why there is none. */
export interface Bar {
  /** Where it stands: a prompt length, or the name under it (lines separated by "\n"). */
  readonly at: number | string;
  /** Sets bars of one name apart, e.g. the device. */
  readonly part?: string;
  /** From the bottom up. */
  readonly shares: readonly Share[];
  /** Small text on its top. */
  readonly above?: string;
  /** Where there are no shares: what stands in the bar's place, one entry a line, and why. */
  readonly absence?: { readonly mark: readonly string[]; readonly reason: string };
}

export interface Panel {
  readonly title: string;
  readonly finding: string;
  /** What 100 % are. */
  readonly yTitle: string;
  readonly bars: readonly Bar[];
}

/** Where bars stand. Lengths stand on a logarithmic axis, where powers of two are evenly spaced. */
export type BarAxis =
  | { readonly kind: "length"; readonly lengths: readonly number[]; readonly scale: "log" | "equal" }
  | { readonly kind: "name"; readonly parts: readonly string[] };

export interface StackedDrawing {
  readonly panels: readonly Panel[];
  readonly axis: BarAxis;
  /** Panels in a row of a wide page. */
  readonly columns: number;
  readonly title: string;
  readonly subtitle: string;
  readonly layout: Layout;
}

const SIZE = {
  wide: { width: 824, height: 170, lineCharacters: 115, legendColumns: 8 },
  narrow: { width: 352, height: 150, lineCharacters: 52, legendColumns: 3 },
} as const satisfies Record<Layout, unknown>;

/** Between plots: the axis of the right one. */
const COLUMN_GAP = 62;
const LINE_HEIGHT = 14;
/** Percent; a smaller share is thinner than a hundredth of a pixel, and its class would only fill the legend. */
const VISIBLE = 0.005;

/** Stacked bars of shares, a panel each, all of one legend. */
export function stackedSharesSpec({
  panels,
  axis,
  columns: wanted,
  title,
  subtitle,
  layout,
}: StackedDrawing): JsonObject {
  const size = SIZE[layout];
  const columns = layout === "narrow" ? 1 : wanted;
  const shares = panels.flatMap(({ bars }) => bars.flatMap((bar) => bar.shares));
  const classes = classesOf(shares.filter(({ value }) => value > VISIBLE).map(({ op_class }) => op_class));
  const widthOf = plotWidths(panels, axis, size.width - COLUMN_GAP * columns, columns);
  // 5.6 pixels is a mean character of 11 pixels; in one column words may pass the plot's right end.
  const findings = panels.map((panel, i) =>
    wrap(panel.finding, columns === 1 ? size.lineCharacters : Math.floor(widthOf[i]! / 5.6)),
  );
  const linesOf = findings.map((_, i) => {
    const row = i - (i % columns);
    return Math.max(...findings.slice(row, row + columns).map((found) => found.length));
  });
  const labelLines =
    axis.kind === "name" ? Math.max(...barNames(panels).map((at) => at.split("\n").length)) : 2.3;
  const head = panels.some(({ bars }) => bars.some(({ above }) => above !== undefined));
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: THEME,
    title: { text: title, subtitle: wrap(subtitle, size.lineCharacters), fontSize: 14, offset: 14 },
    columns,
    bounds: "flush",
    spacing: {
      column: COLUMN_GAP,
      row: 44 + (head ? 18 : 6) + LINE_HEIGHT * (Math.max(...linesOf) + labelLines),
    },
    resolve: { scale: { color: "shared" } },
    concat: panels.map((panel, i) => ({
      title: {
        text: panel.title,
        frame: "group",
        offset: head ? 18 : 6,
        // As many lines in every panel of a row, so that the plots of a row stand level.
        subtitle: Array.from({ length: linesOf[i]! }, (_, line) => findings[i]![line] ?? EMPTY_LINE),
      },
      width: widthOf[i]!,
      height: size.height,
      layer: layersOf(panel, axis, {
        classes,
        width: widthOf[i]!,
        head,
        legend: {
          orient: "bottom",
          title: null,
          columns: size.legendColumns,
          symbolOpacity: 1,
          offset: 16,
        },
      }),
    })),
  };
}

const barNames = (panels: readonly Panel[]): string[] =>
  distinct(panels.flatMap(({ bars }) => bars.map(({ at }) => String(at))));

/** Panels over lengths are equally wide; panels over names as wide as their names are many. */
function plotWidths(panels: readonly Panel[], axis: BarAxis, plots: number, columns: number): number[] {
  if (axis.kind === "length") return panels.map(() => Math.round(plots / columns));
  const counts = panels.map((panel) => barNames([panel]).length);
  const widest = Math.max(
    ...Array.from({ length: Math.ceil(counts.length / columns) }, (_, row) =>
      counts.slice(row * columns, (row + 1) * columns).reduce((sum, count) => sum + count, 0),
    ),
  );
  return counts.map((count) => Math.round(count * Math.min(75, plots / (columns === 1 ? count : widest))));
}

interface Frame {
  readonly classes: readonly OperatorClass[];
  readonly width: number;
  /** Whether bars of any panel have text on top: then all have a line there, so that titles stand level. */
  readonly head: boolean;
  readonly legend: JsonObject;
}

interface Segment {
  readonly [key: string]: string | number;
  readonly label: string;
  readonly from: number;
  readonly to: number;
}

/** The pieces of a stack; a class with host time has two, the device's below. */
function segmentsOf(bar: Bar, place: Record<string, string | number>, labels: ReadonlyMap<string, string>) {
  const solid: Segment[] = [];
  const pale: Segment[] = [];
  let from = 0;
  for (const { op_class, value, host } of bar.shares) {
    const label = labels.get(op_class);
    if (label === undefined) continue;
    const middle = from + value - host;
    const to = from + value;
    if (middle > from) solid.push({ ...place, label, from, to: middle });
    if (to > middle) pale.push({ ...place, label, from: middle, to });
    from = to;
  }
  return { solid, pale };
}

function layersOf(panel: Panel, axis: BarAxis, { classes, width, head, legend }: Frame): JsonObject[] {
  const labels = new Map(classes.map(({ op_class, label }) => [op_class, label]));
  const placeOf = (bar: Bar): Record<string, string | number> => ({
    at: bar.at,
    ...(bar.part === undefined ? {} : { part: bar.part }),
  });
  const pieces = panel.bars.map((bar) => segmentsOf(bar, placeOf(bar), labels));
  const { x, mark } = axis.kind === "length" ? lengthAxis(axis, panel, width) : nameAxis(axis, panel);
  const y = (field: string): JsonObject => ({
    field,
    type: "quantitative",
    title: panel.yTitle,
    scale: { domain: [0, 100], nice: false },
    axis: { grid: false, values: [0, 25, 50, 75, 100] },
  });
  const color: JsonObject = {
    field: "label",
    type: "nominal",
    scale: {
      domain: classes.map(({ label }) => label),
      range: classes.map(({ color }) => color),
    },
    legend,
  };
  const stacks = (values: readonly Segment[], pale: boolean): JsonObject => ({
    data: { values },
    mark: { type: "bar", ...mark, ...(pale ? { opacity: 0.38 } : {}) },
    encoding: { ...x, y: y("from"), y2: { field: "to" }, color },
  });
  const layers = [
    stacks(
      pieces.flatMap(({ solid }) => solid),
      false,
    ),
  ];
  const pale = pieces.flatMap((piece) => piece.pale);
  if (pale.length > 0) layers.push(stacks(pale, true));
  const words = (values: JsonObject[], style: JsonObject): JsonObject => ({
    data: { values },
    mark: { type: "text", baseline: "bottom", ...style },
    encoding: { ...x, y: y("height"), text: { field: "text" } },
  });
  if (head)
    layers.push(
      words(
        panel.bars.map((bar) => ({
          ...placeOf(bar),
          height: bar.absence ? 0 : 100,
          text: bar.above ?? EMPTY_LINE,
        })),
        { dy: -3, fontSize: 10, color: INK },
      ),
    );
  for (const bar of panel.bars)
    if (bar.absence)
      layers.push(
        words([{ ...placeOf(bar), height: 0, text: bar.absence.mark }], {
          // Vega lays further lines below the first: lift them by their number.
          dy: -4 - LINE_HEIGHT * (bar.absence.mark.length - 1) - (bar.above ? LINE_HEIGHT : 0),
          color: MUTED,
          lineHeight: LINE_HEIGHT,
        }),
      );
  return layers;
}

/** Ticks in units of 1,024 tokens where that is a whole number: 256, 1K, 128K. */
export const LENGTH_LABEL =
  "datum.value % 1024 == 0 ? format(datum.value / 1024, ',d') + 'K' : format(datum.value, ',d')";

export const LENGTH_TITLE = "prompt length (tokens, K = 1,024)";

function lengthAxis({ lengths, scale }: Extract<BarAxis, { kind: "length" }>, panel: Panel, width: number) {
  const all = [...lengths].sort((a, b) => a - b);
  const sorted = all.filter((length) => panel.bars.some(({ at }) => at === length));
  const domain = logBarDomain(all);
  const pixels = (ratio: number): number => (width * Math.log(ratio)) / Math.log(domain[1] / domain[0]);
  const gaps = sorted.slice(1).map((length, i) => pixels(length / sorted[i]!));
  const step = scale === "equal" ? width / Math.max(1, sorted.length) : Math.min(60, ...gaps);
  const axis: JsonObject = {
    labelExpr: LENGTH_LABEL,
    labelAngle: 0,
    labelOverlap: true,
    values: sorted,
    grid: false,
  };
  return {
    mark: scale === "equal" ? {} : { width: Math.max(4, Math.round(0.8 * step)) },
    x: {
      x:
        scale === "equal"
          ? {
              field: "at",
              type: "ordinal",
              title: LENGTH_TITLE,
              scale: { domain: sorted, paddingInner: 0.2, paddingOuter: 0.1 },
              axis: { ...axis, ticks: false },
            }
          : {
              field: "at",
              type: "quantitative",
              title: LENGTH_TITLE,
              scale: { type: "log", domain, nice: false },
              axis,
            },
    } satisfies JsonObject,
  };
}

/** Half a step of the mean spacing on each side, so that the outer bars stand inside. */
function logBarDomain(sorted: readonly number[]): Domain {
  const [low, high] = [sorted[0] ?? 1, sorted.at(-1) ?? 2];
  const half = sorted.length > 1 ? (high / low) ** (0.5 / (sorted.length - 1)) : 2;
  return [low / half, high * half];
}

function nameAxis({ parts }: Extract<BarAxis, { kind: "name" }>, panel: Panel) {
  return {
    mark: { stroke: "#ffffff", strokeWidth: 0.5 },
    x: {
      x: {
        field: "at",
        type: "nominal",
        title: null,
        scale: { domain: barNames([panel]), paddingInner: 0.2, paddingOuter: 0.1 },
        axis: { labelAngle: 0, ticks: false, labelPadding: 6, labelExpr: "split(datum.label, '\\n')" },
      },
      ...(parts.length > 0
        ? { xOffset: { field: "part", type: "nominal", scale: { domain: [...parts] } } }
        : {}),
    } satisfies JsonObject,
  };
}
