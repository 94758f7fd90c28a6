import { linearTicks } from "./axis.js";
import type { Figure, FigureForm, JsonObject, Layout } from "./figure.js";
import { displayNames, EMPTY_LINE, formatNumber, formatTokens, listOf, stack, wrap } from "./format.js";
import {
  asPoints,
  isNotEnergy,
  commonLengths,
  distinct,
  finite,
  isDoubtful,
  isOk,
  type Point,
  type Points,
} from "./point.js";
import { deviceName, refuseDuplicates } from "./settings.js";
import { caption, PAPER } from "./ttft-tpot-caption.js";
import { modelColors, MUTED, pale, THEME } from "./theme.js";

/** What Figure 1 shows. */
export interface TtftTpotOptions {
  /** Whose rows these are: the paper's own data, or measured by us. */
  source: "paper" | "measured";
  /** Which models, in bar order; default: the paper's pair, else the first Transformer and the first other. */
  models?: readonly string[];
  /** Short and long prompt in tokens; default: the shortest and the longest at which all models have a TTFT. */
  lengths?: readonly [short: number, long: number];
  layout?: Layout;
  /** `faithful`: in seconds, no intervals, nothing but the bars and their values. Default: `improved`. */
  form?: FigureForm;
}

const METRICS = [
  { column: "ttft_ms", name: "TTFT" },
  { column: "tpot_ms", name: "TPOT" },
] as const;
type PanelMetric = (typeof METRICS)[number];

/** Why there is no value: in the bar's place, one entry a line, and in words that a model's name completes. */
interface Absence {
  readonly mark: readonly string[];
  readonly reason: string;
}

/** One bar's place in a panel: a value with its interval, or the reason why there is none. */
interface Bar {
  readonly label: string;
  readonly color: string;
  readonly value: number | null;
  readonly lo: number | null;
  readonly hi: number | null;
  readonly absence: Absence | null;
}

interface Panel {
  readonly metric: PanelMetric;
  readonly length: number;
  readonly bars: readonly Bar[];
}

/**
 * Figure 1 of the paper: TTFT and TPOT of two models at a short and at a long prompt, four bar panels, each with
 * its own linear scale, values on the bars. Milliseconds everywhere, so that both renderings compare.
 *
 * Beyond the paper's: intervals where the points have them, a mark where a model ran out of memory, words where
 * there is no row, and a caption with the setting and all that differs from the paper's figure.
 *
 * @param given one point per model and length, all of one setting (see `Point`); others are ignored
 * @throws UserError when two points stand for one bar
 */
export function figure1(given: Points, options: TtftTpotOptions): Figure {
  const points = asPoints(given).filter(isNotEnergy);
  const models = options.models ?? defaultModels(points);
  const ofModels = points.filter((point) => models.includes(point.model));
  const lengths = distinct(options.lengths ?? defaultLengths(ofModels, models));
  const drawn = ofModels.filter((point) => lengths.includes(point.prompt_tokens));
  refuseDuplicates(drawn, "Figure 1");

  const names = displayNames(models);
  const colors = modelColors([...ofModels, ...models.map((model) => ({ model }))]);
  const panels = METRICS.flatMap((metric) =>
    lengths.map((length) => ({
      metric,
      length,
      bars: models.map((model) =>
        barOf(
          drawn.find((point) => point.model === model && point.prompt_tokens === length),
          { label: names.get(model)!, color: colors.get(model)!, metric },
        ),
      ),
    })),
  );

  const devices = distinct(drawn.map((point) => point.device)).map(deviceName);
  const where = drawn.length === 0 ? "no rows" : devices.length > 0 ? listOf(devices) : "device not stated";
  const title = options.source === "paper" ? "Figure 1, the paper's data" : "Figure 1, measured here";
  const { layout = "wide", form = "improved" } = options;
  const faithful = form === "faithful";
  return {
    name: `fig1-${options.source}`,
    title: `${title}: TTFT and TPOT, ${where}`,
    caption: caption({ drawn, ofModels, models, lengths, names, source: options.source, form }),
    spec: draw(faithful ? panels.map(inSeconds) : panels, {
      title,
      subtitle: faithful ? `${where}, as the paper drew it` : where,
      layout,
      form,
    }),
  };
}

// Choosing what to draw.

/** The paper's pair where both are there, else the first Transformer beside the first model of another family. */
function defaultModels(points: readonly Point[]): string[] {
  const present = distinct(points.map((point) => point.model));
  if (PAPER.models.every((model) => present.includes(model)) || present.length === 0)
    return [...PAPER.models];
  const isTransformer = (point: Point): boolean => point.family === "transformer";
  const pair = distinct([points.find(isTransformer)?.model, points.find((p) => !isTransformer(p))?.model]);
  return pair.length === 2 ? pair : present.slice(0, 2);
}

function defaultLengths(points: readonly Point[], models: readonly string[]): number[] {
  const measured = commonLengths(
    points.filter((point) => finite(point.ttft_ms) !== null),
    models,
  );
  const any = distinct(points.map((point) => point.prompt_tokens)).sort((a, b) => a - b);
  const lengths = [measured, commonLengths(points, models), any].find((found) => found.length > 0);
  return lengths ? distinct([lengths[0]!, lengths.at(-1)!]) : [...PAPER.lengths];
}

function barOf(
  point: Point | undefined,
  { label, color, metric }: { label: string; color: string; metric: PanelMetric },
): Bar {
  const value = point && isOk(point) ? finite(point[metric.column]) : null;
  const lo = finite(point?.[`${metric.column}_lo`]);
  const hi = finite(point?.[`${metric.column}_hi`]);
  const whole = value !== null && lo !== null && hi !== null;
  return {
    label,
    color: point && isDoubtful(point) ? pale(color) : color,
    value,
    lo: whole ? lo : null,
    hi: whole ? hi : null,
    absence: value === null ? absenceOf(point, metric) : null,
  };
}

function absenceOf(point: Point | undefined, { name }: PanelMetric): Absence {
  if (!point) return { mark: ["no", "rows"], reason: "no rows for" };
  if (point.status === "oom") return { mark: ["✕", "out of", "memory"], reason: "out of memory:" };
  if (!isOk(point)) return { mark: ["✕", point.status ?? ""], reason: `${point.status}:` };
  return { mark: ["no", name], reason: `no ${name} for` };
}

/** A panel as the paper has it: seconds, no intervals. */
const inSeconds = ({ bars, ...panel }: Panel): Panel => ({
  ...panel,
  bars: bars.map((bar) => ({
    ...bar,
    value: bar.value === null ? null : bar.value / 1000,
    lo: null,
    hi: null,
  })),
});

// Drawing.

/** What a panel says in one line: what is missing, or which of two models is faster and how much. */
function finding(bars: readonly Bar[]): string {
  const reasons = distinct(bars.map((bar) => bar.absence?.reason));
  if (reasons.length > 0)
    return reasons
      .map((reason) => {
        const labels = bars.filter((bar) => bar.absence?.reason === reason).map((bar) => bar.label);
        return `${reason} ${listOf(labels)}`;
      })
      .join("; ");
  const [a, b] = bars;
  if (bars.length !== 2 || !a || !b || a.value === null || b.value === null) return "";
  const [fast, slow] = a.value <= b.value ? [a, b] : [b, a];
  const ratio = `${(slow.value! / fast.value!).toFixed(2)}×`;
  const overlap = fast.hi !== null && slow.lo !== null && fast.hi >= slow.lo;
  return overlap ? `ratio ${ratio}, intervals overlap` : `${fast.label} ${ratio} faster`;
}

const SIZE = {
  wide: { columns: 4, step: 74, height: 170, lineCharacters: 29, subtitleCharacters: 120 },
  narrow: { columns: 2, step: 59, height: 150, lineCharacters: 25, subtitleCharacters: 55 },
} as const satisfies Record<Layout, unknown>;

function draw(
  panels: readonly Panel[],
  { title, subtitle, layout, form }: { title: string; subtitle: string; layout: Layout; form: FigureForm },
): JsonObject {
  const size = SIZE[layout];
  // More models than the paper's two get the room of wider panels and fewer of them in a row.
  const models = panels[0]?.bars.length ?? 0;
  const [columns, step] = models > 2 ? [size.columns / 2, SIZE.wide.step] : [size.columns, size.step];
  const findings = panels.map(({ bars }) =>
    form === "faithful" ? [] : wrap(finding(bars), size.lineCharacters),
  );
  const lines = Math.max(...findings.map((found) => found.length));
  const tops = panels.map(({ bars }) => topOf(bars));
  // Plots stand on a grid of their own sizes; what hangs around them goes into the spacing, by its widest.
  const tickCharacters = Math.max(
    form === "faithful" ? 5 : 3,
    ...tops.map((top) => formatTokens(top).length),
  );
  const labelLines = Math.max(...panels.flatMap(({ bars }) => bars.map((bar) => stack(bar.label).length)));
  const around = { column: 38 + 7 * tickCharacters, row: 48 + 14 * (lines + labelLines) };
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    config: THEME,
    title: { text: title, subtitle: wrap(subtitle, size.subtitleCharacters), fontSize: 14, offset: 14 },
    columns: Math.min(columns, panels.length),
    bounds: "flush",
    spacing: around,
    concat: panels.map((panel, i) => ({
      title: {
        text: `${panel.metric.name}, ${formatTokens(panel.length)} tokens`,
        frame: "group",
        // As many lines in every panel, so that the plots of a row stand level.
        subtitle: Array.from({ length: lines }, (_, line) => findings[i]![line] ?? EMPTY_LINE),
      },
      width: step * models,
      height: size.height,
      layer: layersOf(panel, tops[i]!, form),
    })),
  };
}

/** Upper end of a panel's scale: room for the printed value above the highest bar. */
function topOf(bars: readonly Bar[]): number {
  const highest = Math.max(0, ...bars.map((bar) => bar.hi ?? bar.value ?? 0));
  return highest > 0 ? highest * 1.15 : 1;
}

/** Seconds with as many decimals as the paper prints: four in a panel of parts of a second, else three. */
const printed = (seconds: number, top: number): string => seconds.toFixed(top < 1 ? 4 : 3);

function layersOf({ metric, bars }: Panel, top: number, form: FigureForm): JsonObject[] {
  const placed = bars.map((bar) => ({ ...bar, label: stack(bar.label).join("\n") }));
  const drawn = placed.filter((bar) => bar.value !== null);
  const x: JsonObject = {
    field: "label",
    type: "nominal",
    scale: { domain: placed.map((bar) => bar.label), paddingInner: 0.35, paddingOuter: 0.2 },
    axis: {
      title: null,
      labelAngle: 0,
      ticks: false,
      labelPadding: 6,
      labelExpr: "split(datum.label, '\\n')",
    },
  };
  const y = (field: string): JsonObject => ({
    field,
    type: "quantitative",
    title: `${metric.name} (${form === "faithful" ? "s" : "ms"})`,
    scale: { domain: [0, top], nice: false },
    // The values stand on the bars, so a grid would only cross them.
    // Below the very top, where a label would push the panel's title up.
    axis: { grid: false, values: drawn.length > 0 ? linearTicks([0, top * 0.94], 4) : [] },
  });

  const layers: JsonObject[] = [
    {
      data: { values: drawn.map(({ label, color, value }) => ({ label, color, value })) },
      mark: "bar",
      encoding: { x, y: y("value"), color: { field: "color", type: "nominal", scale: null } },
    },
    {
      data: {
        values: drawn.map(({ label, value, hi }) => ({
          label,
          top: hi ?? value,
          text: form === "faithful" ? printed(value!, top) : formatNumber(value!),
        })),
      },
      mark: { type: "text", baseline: "bottom", dy: -3, fontWeight: "bold" },
      encoding: { x, y: y("top"), text: { field: "text" } },
    },
  ];
  const whiskers = drawn.filter((bar) => bar.lo !== null);
  if (whiskers.length > 0)
    layers.push({
      data: { values: whiskers.map(({ label, lo, hi }) => ({ label, lo, hi })) },
      mark: { type: "errorbar", ticks: { width: 10 }, color: "#000000" },
      encoding: { x, y: y("lo"), y2: { field: "hi" } },
    });
  for (const { label, absence } of placed)
    if (absence)
      layers.push({
        data: { values: [{ label, zero: 0, mark: absence.mark }] },
        // Vega lays further lines below the first: lift them by their number.
        mark: {
          type: "text",
          baseline: "bottom",
          dy: -4 - 14 * (absence.mark.length - 1),
          color: MUTED,
          lineHeight: 14,
        },
        encoding: { x, y: y("zero"), text: { field: "mark" } },
      });
  return layers;
}
