import { UserError } from "../errors.js";
import type { Scale } from "./axis.js";
import type { Figure, Layout } from "./figure.js";
import { displayNames, formatTokens, listOf } from "./format.js";
import {
  asPoints,
  isNotEnergy,
  distinct,
  finite,
  isDoubtful,
  isOk,
  type Metric,
  type Point,
  type Points,
} from "./point.js";
import {
  crossoverWords,
  measuredPieces,
  scalingSpec,
  type CrossoverMark,
  type CurvePoint,
  type Dot,
  type Words,
} from "./scaling-spec.js";
import { describeSamples, describeSettings, deviceName, refuseDuplicates } from "./settings.js";

/** What a scaling figure shows. */
export interface ScalingOptions {
  /** Default: `ttft_ms`. */
  metric?: Metric;
  crossovers?: readonly CrossoverMark[];
  source?: "paper" | "measured";
  layout?: Layout;
  /** Of both axes; default: log, which shows ratios. */
  scale?: Scale;
}

export const METRICS: Readonly<Record<Metric, { name: string; axis: string; long: string }>> = {
  ttft_ms: { name: "TTFT", axis: "TTFT (ms)", long: "Time to first token (TTFT)" },
  tpot_ms: { name: "TPOT", axis: "TPOT (ms)", long: "Time per output token (TPOT)" },
  e2e_ms: { name: "E2E", axis: "end to end (ms)", long: "Time from prompt to last token" },
  energy_j: { name: "Energy", axis: "energy (J)", long: "Energy of a pass" },
  total_bytes: { name: "Memory", axis: "memory (bytes)", long: "Memory" },
  overall_tokens_per_s: {
    name: "Throughput",
    axis: "throughput (tokens/s)",
    long: "Throughput, prompt and new tokens over the time from prompt to last token",
  },
};

/**
 * A metric against prompt length, both axes logarithmic unless told otherwise: medians with their intervals, fitted curves (dashed where
 * they leave the measured lengths), crossovers with their intervals, and a cross at the top of the plot where a
 * model ran out of memory. Fits and crossovers come in ready.
 *
 * @throws UserError when there is nothing to draw, or a length or value that a logarithmic axis cannot show
 */
export function scalingFigure(
  given: Points,
  curves: readonly CurvePoint[] = [],
  options: ScalingOptions = {},
): Figure {
  const metric = options.metric ?? "ttft_ms";
  const source = options.source ?? "measured";
  const layout = options.layout ?? "wide";
  const scale = options.scale ?? "log";
  const points = asPoints(given).filter((point) => metric === "energy_j" || isNotEnergy(point));
  refuseDuplicates(points, "the scaling figure");
  const dots = points.flatMap((point) => dotOf(point, metric));
  if (dots.length === 0 && curves.length === 0)
    throw new UserError(`no row has ${metric}: a scaling figure needs at least one measured point or curve`);
  for (const { prompt_tokens, value, model } of curves)
    refuseNonPositive(prompt_tokens, value, model, metric);

  const models = distinct([...points, ...curves].map(({ model }) => model));
  const names = displayNames(models);
  const { name, axis } = METRICS[metric];
  const devices = listOf(distinct(points.map((point) => point.device)).map(deviceName));
  const title = `${name} against prompt length${source === "paper" ? ", the paper's data" : ""}`;
  const crossovers = options.crossovers ?? [];
  const oom = points.filter((point) => point.status === "oom");

  return {
    name: `scaling-${metric.replaceAll("_", "-")}-${source}`,
    title: devices ? `${title} on ${devices}` : title,
    caption: caption({ points, dots, curves, crossovers, oom, names, metric }, scale),
    spec: scalingSpec(
      { points, dots, curves, crossovers, oom, names, axis, scale },
      { title, subtitle: devices ? [devices] : [], layout },
    ),
  };
}

function refuseNonPositive(length: number, value: number, model: string, metric: Metric): void {
  if (length > 0 && value > 0) return;
  throw new UserError(
    `${metric} of ${model} at ${length} tokens is ${value}: a logarithmic axis shows only lengths and values above 0`,
  );
}

export function dotOf(point: Point, metric: Metric): Dot[] {
  const value = isOk(point) ? finite(point[metric]) : null;
  if (value === null) return [];
  refuseNonPositive(point.prompt_tokens, value, point.model, metric);
  const [lo, hi] = [finite(point[`${metric}_lo`]), finite(point[`${metric}_hi`])];
  const whole = lo !== null && hi !== null && lo > 0;
  return [
    {
      model: point.model,
      length: point.prompt_tokens,
      value,
      lo: whole ? lo : null,
      hi: whole ? hi : null,
      doubtful: isDoubtful(point),
    },
  ];
}

// Words.

function caption({ points, dots, curves, crossovers, oom, names, metric }: Words, scale: Scale): string {
  const { long } = METRICS[metric];
  const settings = describeSettings(points);
  const samples = describeSamples(points, [metric]);
  const sentences = [
    `${long} of ${listOf([...names.values()])} against prompt length, both axes ${scale === "log" ? "logarithmic" : "linear"}`,
  ];
  if (settings) sentences.push(`Setting: ${settings}`);
  if (dots.length > 0)
    sentences.push(
      `Dots are medians${samples ? ` (${samples})` : ""}${dots.some((dot) => dot.lo !== null) ? ", whiskers their 95% intervals" : ""}`,
    );
  if (curves.length > 0) {
    const beyond =
      measuredPieces(curves, dots, false).length > 0 ? ", dashed beyond the measured lengths" : "";
    const bands = curves.some(({ value_lo: lo }) => finite(lo) !== null)
      ? "; bands: where the mean is with 95% confidence, if the form of the curve is right"
      : "";
    sentences.push(`Lines are fits${beyond}${bands}`);
  }
  for (const mark of crossovers) {
    const [text, interval] = crossoverWords(mark, names);
    sentences.push(interval === undefined ? text! : `${text!} (95% interval ${interval})`);
  }
  if (dots.some((dot) => dot.doubtful)) sentences.push("Hollow dots: the measurement is marked as doubtful");
  for (const [model, name] of names) {
    const lengths = oom
      .filter((point) => point.model === model)
      .map((point) => formatTokens(point.prompt_tokens));
    if (lengths.length > 0) sentences.push(`✕: ${name} ran out of memory at ${listOf(lengths)} tokens`);
  }
  for (const [model, name] of names)
    if (!dots.some((dot) => dot.model === model)) sentences.push(`No rows for ${name}`);
  return sentences.map((sentence) => `${sentence}.`).join(" ");
}

// Drawing.
