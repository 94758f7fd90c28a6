import { UserError } from "../errors.js";
import { linearTicks, logDomain, powersOfTwo, type Domain } from "./axis.js";
import type { Figure, JsonObject, Layout } from "./figure.js";
import { displayNames, formatTokens, listOf } from "./format.js";
import { listed, type Listed } from "./listed.js";
import { distinct, type Metric, type Point } from "./point.js";
import { METRICS } from "./scaling.js";
import { headed } from "./scaling-spec.js";
import { describeSettings } from "./settings.js";
import { sourceTitle, type Source } from "./sources.js";
import { familyShape, INK, modelColors, MUTED } from "./theme.js";

/** A sample against its curve: a row of `residualTable(fits)`. */
export type ResidualPoint = Point & {
  metric?: string;
  /** Share of the fitted value; null where that is 0. */
  relative_residual: number | null;
  influential?: boolean;
};

/** How residuals are drawn. */
export interface ResidualOptions {
  source?: Source;
  layout?: Layout;
}

const SIZE = {
  wide: { width: 800, height: 300, ticks: 10 },
  narrow: { width: 318, height: 260, ticks: 5 },
} as const;

/**
 * How far samples lie off their curves, in per cent of it, against prompt length: without a pattern where the form is
 * right, a bow or a step where it is not. Rings mark samples that move their curve much.
 *
 * @throws UserError when no row has a residual
 */
export function residualFigure(
  rows: Listed<ResidualPoint>,
  { source = "measured", layout = "wide" }: ResidualOptions = {},
): Figure {
  const given = listed(rows);
  const points = given.filter(({ relative_residual: value }) => value !== null && Number.isFinite(value));
  if (points.length === 0)
    throw new UserError(
      `none of ${given.length} rows has a relative_residual: give rows of residualTable(fits)`,
    );
  const models = distinct(points.map(({ model }) => model));
  const names = displayNames(models);
  const metrics = listOf(
    distinct(
      points.map(({ metric }) => (metric && metric in METRICS ? METRICS[metric as Metric].name : metric)),
    ),
  );
  const title = `Residuals${metrics ? ` of ${metrics}` : ""}`;
  const influential = points.filter((point) => point.influential);
  const marked = distinct(
    influential.map(
      ({ model, prompt_tokens }) => `${names.get(model)!} at ${formatTokens(prompt_tokens)} tokens`,
    ),
  );
  const where = sourceTitle({ source, points });
  const setting = describeSettings(points);
  const caption = [
    `Samples of ${listOf([...names.values()])} off their fitted curves, in per cent of the curve, against prompt length (logarithmic).`,
    ...(setting ? [`Setting: ${setting}.`] : []),
    "A pattern, as a bow or a step, says that the form of the curve is wrong there.",
    ...(marked.length > 0 ? [`Rings: samples that move their curve much (${listOf(marked)}).`] : []),
  ].join(" ");
  return {
    name: `residuals-${source}`,
    title: `${title}, ${where}`,
    caption,
    spec: headed({ title, subtitle: [where], layout }, draw(points, names, layout)),
  };
}

function draw(
  points: readonly ResidualPoint[],
  names: ReadonlyMap<string, string>,
  layout: Layout,
): JsonObject {
  const { width, height, ticks } = SIZE[layout];
  const percents = points.map(({ relative_residual: value }) => value! * 100);
  const x = logDomain(
    points.map(({ prompt_tokens: tokens }) => tokens),
    0.03,
  );
  const most = Math.max(...percents.map(Math.abs), 0.1) * 1.1;
  const y: Domain = [-most, most];
  const first = [...names].map(([model]) => points.find((point) => point.model === model)!);
  const colors = modelColors(first);
  const labels = [...names.values()];
  const values = points.map(({ model, prompt_tokens, influential }, i) => ({
    label: names.get(model)!,
    prompt_tokens,
    percent: percents[i]!,
    influential: influential === true,
  }));
  const at = {
    x: {
      field: "prompt_tokens",
      type: "quantitative",
      scale: { type: "log", base: 2, domain: [...x], nice: false },
      axis: { title: "prompt length (tokens)", values: powersOfTwo(x, ticks), format: ",d" },
    },
    y: {
      field: "percent",
      type: "quantitative",
      scale: { domain: [...y], nice: false },
      axis: { title: "off the curve (%)", values: linearTicks(y, 6) },
    },
  };
  const domain = { domain: labels, range: first.map(({ model }) => colors.get(model)!) };
  const shapes = { domain: labels, range: first.map(({ family }) => familyShape(family)) };
  return {
    width,
    height,
    data: { values },
    layer: [
      { mark: { type: "rule", color: MUTED }, encoding: { y: { datum: 0 } } },
      {
        mark: { type: "point", filled: true, size: 60, opacity: 0.85 },
        encoding: {
          ...at,
          color: {
            field: "label",
            type: "nominal",
            scale: domain,
            legend: { title: null, orient: "bottom" },
          },
          shape: {
            field: "label",
            type: "nominal",
            scale: shapes,
            legend: { title: null, orient: "bottom" },
          },
        },
      },
      {
        transform: [{ filter: "datum.influential" }],
        mark: { type: "point", filled: false, size: 220, stroke: INK, strokeWidth: 1.5, shape: "circle" },
        encoding: at,
      },
    ],
  };
}
