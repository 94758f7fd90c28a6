import { UserError } from "../errors.js";
import type { Row } from "../record/schema.js";
import { logDomain, logTicks } from "./axis.js";
import type { Figure, JsonObject, Layout } from "./figure.js";
import { displayNames, formatNumber, formatTokens, listOf } from "./format.js";
import { listed, type Listed } from "./listed.js";
import { distinct, finite, isDoubtful, isOk } from "./point.js";
import { beside, headed } from "./scaling-spec.js";
import { describeSettings } from "./settings.js";
import { sourceTitle, type Source } from "./sources.js";
import { INK, modelColors } from "./theme.js";

/** One sample, or the token times of one generation: a row of the schema that says its model and length. */
export type LatencySample = Row & { model: string; prompt_tokens: number };

/** How distributions are drawn. */
export interface LatencyDistributionOptions {
  /** Prompt length in tokens; default: the longest of those at which most models have samples. */
  length?: number;
  source?: Source;
  layout?: Layout;
}

/** A panel: what is distributed, and the values that one row has of it. */
const PANELS = [
  {
    title: "Time to first token",
    axis: "TTFT (ms)",
    name: "TTFT",
    one: "prompts",
    of: ({ ttft_ms }: LatencySample) => [ttft_ms],
  },
  {
    title: "Inter-token latency",
    axis: "ITL (ms)",
    name: "ITL",
    one: "tokens",
    of: ({ itl_ms }: LatencySample) => itl_ms ?? [],
  },
] as const;
type Panel = (typeof PANELS)[number];

interface Distribution {
  readonly model: string;
  /** Ascending, in ms; two at least. */
  readonly values: readonly number[];
}

/**
 * How long single prompts and single tokens take: for each model the share of samples that took at most so long. A
 * median hides the slow ones, which a reader of a stream waits for.
 *
 * @throws UserError when no model has two samples at one length
 */
export function latencyDistributionFigure(
  given: Listed<LatencySample>,
  { length: wanted, source = "measured", layout = "wide" }: LatencyDistributionOptions = {},
): Figure {
  const rows = listed(given).filter(isSample);
  const length = wanted ?? fullestLength(rows);
  const chosen = rows.filter(({ prompt_tokens }) => prompt_tokens === length);
  const panels = PANELS.map((panel) => ({ panel, distributions: distributionsOf(chosen, panel) })).filter(
    ({ distributions }) => distributions.length > 0,
  );
  if (panels.length === 0)
    throw new UserError(
      `no model has two samples at ${length === null ? "one length" : `${formatTokens(length)} tokens`}: a distribution takes several rows with ttft_ms, or one with itl_ms, each of a single pass (aggregated_samples 1)`,
    );
  const names = displayNames(
    distinct(panels.flatMap(({ distributions }) => distributions.map(({ model }) => model))),
  );
  const drawn = chosen.filter(({ model }) => names.has(model));
  const where = sourceTitle({ source, points: drawn });
  const title = `Distribution of latencies at ${formatTokens(length!)} prompt tokens`;
  return {
    name: `latency-distribution-${source}`,
    title: `${title}, ${where}`,
    caption: caption(panels, { drawn, names, length: length! }),
    spec: headed(
      { title, subtitle: [where], layout },
      beside(
        panels.map(({ panel, distributions }) => ({
          title: panel.title,
          view: draw(panel, distributions, { names, rows: drawn, layout, alone: panels.length === 1 }),
        })),
        { lift: 10, layout },
      ),
    ),
  };
}

/** A mean of several passes says nothing of how single ones scatter. */
const isSample = (row: LatencySample): boolean =>
  isOk(row) && row.verdict !== "rejected" && row.superseded !== true && (row.aggregated_samples ?? 1) === 1;

/** The longest of the lengths at which most models have a distribution. */
function fullestLength(rows: readonly LatencySample[]): number | null {
  const count = (length: number): number => {
    const some = rows.filter(({ prompt_tokens }) => prompt_tokens === length);
    return Math.max(...PANELS.map((panel) => distributionsOf(some, panel).length));
  };
  const counted = distinct(rows.map(({ prompt_tokens }) => prompt_tokens)).map((length) => ({
    length,
    models: count(length),
  }));
  return (
    counted.filter(({ models }) => models > 0).sort((a, b) => b.models - a.models || b.length - a.length)[0]
      ?.length ?? null
  );
}

function distributionsOf(rows: readonly LatencySample[], { of }: Panel): Distribution[] {
  return distinct(rows.map(({ model }) => model))
    .map((model) => ({
      model,
      values: rows
        .filter((row) => row.model === model)
        .flatMap((row) => of(row).flatMap((value) => finite(value) ?? []))
        .filter((value) => value > 0)
        .sort((a, b) => a - b),
    }))
    .filter(({ values }) => values.length > 1);
}

/** The smallest value that `share` of the values do not exceed. */
const percentile = (values: readonly number[], share: number): number =>
  values[Math.min(values.length - 1, Math.ceil(share * values.length) - 1)]!;

/** From this many values on 1 % of them is one at least. */
const FEWEST_OF_TAIL = 100;

function caption(
  panels: readonly { panel: Panel; distributions: readonly Distribution[] }[],
  {
    drawn,
    names,
    length,
  }: { drawn: readonly LatencySample[]; names: ReadonlyMap<string, string>; length: number },
): string {
  const sentences = [
    `Share of single ${listOf(panels.map(({ panel }) => panel.one))} (in %) that took at most so long (in ms, logarithmic) at ${formatTokens(length)} prompt tokens; steeper is steadier, further left is faster`,
    `Setting: ${describeSettings(drawn) || "the rows state none"}`,
  ];
  for (const { panel, distributions } of panels)
    for (const { model, values } of distributions) {
      const ms = (value: number): string => `${formatNumber(value)} ms`;
      const tail =
        values.length >= FEWEST_OF_TAIL
          ? `95% up to ${ms(percentile(values, 0.95))}, 99% up to ${ms(percentile(values, 0.99))}, `
          : "";
      sentences.push(
        `${panel.name} of ${names.get(model)!}: half up to ${ms(percentile(values, 0.5))}, ${tail}the longest of ${values.length} ${ms(values.at(-1)!)}`,
      );
    }
  if (drawn.some(isDoubtful)) sentences.push("Some of these samples are marked as doubtful");
  return sentences.map((sentence) => `${sentence}.`).join(" ");
}

// Drawing.

const SIZE = {
  wide: { alone: 800, beside: 365, height: 280, legendColumns: 5 },
  narrow: { alone: 300, beside: 300, height: 220, legendColumns: 2 },
} as const satisfies Record<Layout, unknown>;

/** Steps of a line; more do not show at the width of a panel. */
const MOST_STEPS = 240;
/** Up to so many values each stands as a dot. */
const MOST_DOTS = 40;

/** Ranks to draw: all, or evenly spaced ones with the last hundredth in full. */
function ranksOf(count: number): number[] {
  const stride = Math.max(1, Math.ceil(count / MOST_STEPS));
  return Array.from({ length: count }, (_, i) => i).filter((i) => i % stride === 0 || i >= 0.99 * count);
}

function draw(
  { axis }: Panel,
  distributions: readonly Distribution[],
  {
    names,
    rows,
    layout,
    alone,
  }: {
    names: ReadonlyMap<string, string>;
    rows: readonly LatencySample[];
    layout: Layout;
    alone: boolean;
  },
): JsonObject {
  const size = SIZE[layout];
  const domain = logDomain(
    distributions.flatMap(({ values }) => [values[0]!, values.at(-1)!]),
    0.06,
  );
  const colors = modelColors(rows);
  const steps = distributions.flatMap(({ model, values }) => [
    { label: names.get(model)!, ms: values[0]!, share: 0 },
    ...ranksOf(values.length).map((i) => ({
      label: names.get(model)!,
      ms: values[i]!,
      share: (100 * (i + 1)) / values.length,
    })),
  ]);
  const dots = distributions.flatMap(({ model, values }) =>
    values.length > MOST_DOTS
      ? []
      : values.map((ms, i) => ({ label: names.get(model)!, ms, share: (100 * (i + 1)) / values.length })),
  );
  const place: JsonObject = {
    x: {
      field: "ms",
      type: "quantitative",
      title: axis,
      scale: { type: "log", domain, nice: false },
      axis: { values: logTicks(domain), format: ",~r", labelOverlap: true },
    },
    y: {
      field: "share",
      type: "quantitative",
      title: "at most so long (%)",
      scale: { domain: [0, 100], nice: false },
      axis: { values: [0, 25, 50, 75, 95] },
    },
    color: {
      field: "label",
      type: "nominal",
      scale: {
        domain: [...names.values()],
        range: [...names.keys()].map((model) => colors.get(model)!),
      },
      legend: { orient: "bottom", title: null, columns: size.legendColumns, symbolOpacity: 1 },
    },
  };
  return {
    width: alone ? size.alone : size.beside,
    height: size.height,
    layer: [
      {
        data: { values: [{ at: 50 }] },
        mark: { type: "rule", color: INK, strokeDash: [4, 3] },
        encoding: { y: { ...(place.y as JsonObject), field: "at" } },
      },
      {
        data: { values: steps },
        mark: { type: "line", interpolate: "step-after", strokeWidth: 1.8 },
        encoding: place,
      },
      ...(dots.length > 0
        ? [
            {
              data: { values: dots },
              mark: { type: "point", filled: true, size: 28, opacity: 1 },
              encoding: place,
            },
          ]
        : []),
    ],
  };
}
