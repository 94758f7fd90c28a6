import type { Crossing, Crossover, NoCrossing, NotSeparable } from "./crossover.js";
import { FIT_METRICS } from "./metrics.js";

/**
 * One sentence: what the fitted curves say, lengths in tokens. It says "crosses" of a crossing in the measured
 * lengths, and otherwise "extrapolated", "no crossing in range" or "not separable".
 */
export function describeCrossover(result: Crossover): string {
  const title = `The ${FIT_METRICS[result.metric].title}`;
  const { a, b, confidence } = result;
  const measured = lengths(result.measured);
  switch (result.state) {
    case "crossing":
      return `${title} of ${a} crosses that of ${b} ${place(result, confidence)}: ${order(result)}.`;
    case "multiple": {
      const places = result.crossings.map((crossing) => `${place(crossing, confidence)}, ${order(crossing)}`);
      return `${title} of ${a} crosses that of ${b} ${places.length} times: ${places.join("; ")}.`;
    }
    case "extrapolated": {
      const where = `${place(result, confidence)}, extrapolated from ${measured}`;
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

function place({ tokens, interval }: Crossing, confidence: number): string {
  return `at ${whole(tokens)} tokens (${percent(confidence)} interval ${lengths(interval)})`;
}

function order({ lowerBelow, lowerAbove }: Crossing): string {
  return `${lowerBelow} is lower below, ${lowerAbove} above`;
}

function lowerThroughout(result: NoCrossing): string {
  const { lower, higher, ratioAtShortest, ratioAtLongest, measured, horizon, share, confidence } = result;
  const ratio =
    ratioAtShortest === null || ratioAtLongest === null
      ? ""
      : ` (by the fits ${higher} has ${times(ratioAtShortest)} times as much at the shortest and ${times(ratioAtLongest)} at the longest)`;
  const outside =
    share <= 1 - confidence
      ? `and the fitted curves stay so up to ${whole(horizon[1])} tokens`
      : `and of the resampled curves ${percent(share)} cross outside, up to ${whole(horizon[1])} tokens`;
  return `${lower} is lower at ${lengths(measured)}${ratio}, ${outside}`;
}

const whole = (value: number): string => Math.round(value).toLocaleString("en-US");
const times = (ratio: number): string => String(Number(ratio.toPrecision(3)));
const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;
const lengths = ([from, to]: readonly [number, number]): string => `${whole(from)} to ${whole(to)} tokens`;
