import type { ColumnName } from "../record/schema.js";
import {
  closedEnds,
  type Comparison,
  type Crossing,
  type Crossover,
  type NoCrossing,
  type NotSeparable,
} from "./crossover-result.js";
import { FIT_METRICS, type FitMetricName } from "./metrics.js";
import type { Span } from "./pair.js";

/**
 * One sentence: what the fitted curves say, or the samples with lines between them, lengths in tokens. It says
 * "crosses" of a crossing in the measured lengths, and otherwise "extrapolated", "no crossing in range" or "not
 * separable".
 */
export function describeCrossover(result: Crossover): string {
  const title = subject(result);
  const { a, b } = result;
  const measured = lengths(result.measured);
  switch (result.state) {
    case "crossing":
      return `${title} of ${a} crosses that of ${b} ${place(result, result)}: ${order(result)}.`;
    case "multiple": {
      const places = result.crossings.map((crossing) => `${place(crossing, result)}, ${order(crossing)}`);
      return `${title} of ${a} crosses that of ${b} ${places.length} times: ${places.join("; ")}.`;
    }
    case "extrapolated": {
      const where = `${place(result, result)}, extrapolated from ${measured}`;
      return `${title} of ${a} would cross that of ${b} ${where}: ${order(result)}.`;
    }
    case "none-in-range":
      return `${title} of ${a} and ${b} has no crossing in range: ${lowerThroughout(result)}.`;
    case "not-separable":
      return `${title} of ${a} and ${b} is not separable at ${measured}: ${REASONS[result.reason]}.`;
  }
}

const REASONS: Record<NotSeparable["reason"], string> = {
  "within-uncertainty": "at every measured length they differ by less than their uncertainty",
  "order-unclear": "the resampled curves do not agree on whether and in which direction they cross",
};

/** A metric in words; its column where no fit gives it a title. */
function metricTitle(metric: ColumnName): string {
  return Object.hasOwn(FIT_METRICS, metric) ? FIT_METRICS[metric as FitMetricName].title : metric;
}

function subject({ method, metric, replicates }: Comparison): string {
  const title = metricTitle(metric);
  if (method === "fitted") return `The ${title}`;
  return `Interpolated between ${replicates === 0 ? "single samples" : "measured lengths"}, the ${title}`;
}

function place(crossing: Crossing, comparison: Comparison): string {
  const { tokens, interval, bracket, jump } = crossing;
  const { replicates, confidence } = comparison;
  const where = `at ${whole(tokens)} tokens${jump ? ", where one jumps over the other" : ""}`;
  const between = bracket ? `between the measured ${lengths(bracket, "and")}` : "";
  if (replicates === 0) return `${where} (${between}; single samples give no interval)`;
  const [lo, hi] = closedEnds(comparison, crossing);
  const [from, to] = [lo === null ? "less than " : "", hi === null ? "more than " : ""];
  const stated = `${percent(confidence)} interval ${from}${whole(interval[0])} to ${to}${whole(interval[1])} tokens`;
  return `${where} (${stated}${bracket ? `, ${between}` : ""})`;
}

function order({ lowerBelow, lowerAbove }: Crossing): string {
  return `${lowerBelow} is lower below, ${lowerAbove} above`;
}

function lowerThroughout(result: NoCrossing): string {
  const { method, lower, higher, ratioAtShortest, ratioAtLongest, measured } = result;
  const ratio =
    ratioAtShortest === null || ratioAtLongest === null
      ? ""
      : ` (by the ${method === "fitted" ? "fits" : "means"} ${higher} has ${times(ratioAtShortest)} times as much at the shortest and ${times(ratioAtLongest)} at the longest)`;
  return `${lower} is lower at ${lengths(measured)}${ratio}${outside(result)}`;
}

/** Beyond the measured lengths only a fit has something to say. */
function outside({ method, share, confidence, horizon }: NoCrossing): string {
  if (method === "interpolated" || share === null) return "";
  return share <= 1 - confidence
    ? `, and the fitted curves stay so up to ${whole(horizon[1])} tokens`
    : `, and of the resampled curves ${percent(share)} cross outside, up to ${whole(horizon[1])} tokens`;
}

export const whole = (value: number): string => Math.round(value).toLocaleString("en-US");
const times = (ratio: number): string => String(Number(ratio.toPrecision(3)));
const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;

const lengths = ([from, to]: Span, joined = "to"): string => `${whole(from)} ${joined} ${whole(to)} tokens`;
