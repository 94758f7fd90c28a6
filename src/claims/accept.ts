import type { Claim } from "./claim.js";
import type { Estimate } from "./estimate.js";
import type { Span } from "./measure.js";
import { quantity, spanWords } from "./words.js";

/** By how much a value may differ from a stated number, as a factor less 1. */
export interface ClaimTolerance {
  /** The same quantity measured again on the same device: clocks, software and drivers differ. Default 0.1. */
  again: number;
  /** A ratio on another device. Default 0.25. */
  elsewhere: number;
}

export const TOLERANCE: ClaimTolerance = { again: 0.1, elsewhere: 0.25 };

/** Whether a value agrees; null where what is known of it reaches to both sides. */
export interface Agreement {
  readonly holds: boolean | null;
  /** What would agree, in words. */
  readonly accepted: string;
  /** The same as numbers; null where it is no range of the value. */
  readonly region: Span | null;
}

const SIDES: Record<"above" | "at-least" | "at-most", (bound: number) => Span> = {
  above: (bound) => [bound + Math.abs(bound) * Number.EPSILON, Infinity],
  "at-least": (bound) => [bound, Infinity],
  "at-most": (bound) => [-Infinity, bound],
};

/** Two lengths tell where something lies between them if one is at most twice the other. */
const FINE = 2;

/** Holds an estimate against a claim, allowing a factor of 1 + `slack` beyond how the number was rounded. */
export function agree(claim: Claim, expected: number | null, found: Estimate, slack: number): Agreement {
  const { accept, measure, unit } = claim;
  const { value, interval, bracket } = found;
  const ours = accept.rule !== "near" && accept.ours ? " (a bound of ours)" : "";
  switch (accept.rule) {
    case "steady": {
      const [lowest, highest] = asSpan(value);
      const accepted = `at most ${accept.factor} times the lowest${ours}`;
      return { holds: highest <= accept.factor * lowest, accepted, region: null };
    }
    case "grows": {
      const [first, last] = asSpan(value);
      const accepted = `more than ${accept.factor} times the first${ours}`;
      return { holds: last > accept.factor * first, accepted, region: null };
    }
    case "above":
    case "at-least":
    case "at-most": {
      const { rule, bound } = accept;
      const accepted = `${rule.replace("-", " ")} ${quantity(bound, unit)}${ours}`;
      const region = SIDES[rule](bound);
      const holds = bracket
        ? between(bracket, region, () => false)
        : within(interval ?? asSpan(value), region);
      return { holds, accepted, region };
    }
    case "near": {
      if (expected === null) return { holds: null, accepted: "a stated number", region: null };
      const region = regionOf(claim, expected, slack);
      // What failed is no longest prompt; where a curve is lower, it has crossed.
      const holds = bracket
        ? between(bracket, region, ([from, to]) => from <= expected && expected < to)
        : measure?.form === "crossing"
          ? between(asSpan(value), region, ([from, to]) => from <= expected && expected <= to)
          : within(interval ?? asSpan(value), region);
      return { holds, accepted: spanWords(region, unit), region };
    }
  }
}

/**
 * Values that are the stated one as it was written, and those within the slack around it; never those of the other
 * direction, since within 25 % of 1.1x is also 0.9x.
 */
function regionOf({ accept, measure }: Claim, stated: number, slack: number): Span {
  const digit = accept.rule === "near" ? accept.digit : undefined;
  const written = asWritten(stated, digit);
  if (slack === 0) return written;
  const factor = 1 + slack;
  // A reduction of 64 % leaves 36 %: what is left is the ratio that was measured.
  const slackened: Span =
    measure?.form === "reduction"
      ? [100 - (100 - stated) * factor, 100 - (100 - stated) / factor]
      : [Math.min(stated / factor, stated * factor), Math.max(stated / factor, stated * factor)];
  const region: Span = [Math.min(written[0], slackened[0]), Math.max(written[1], slackened[1])];
  const even = evenOf(measure);
  if (even === null || stated === even) return region;
  return stated > even ? [Math.max(region[0], even), region[1]] : [region[0], Math.min(region[1], even)];
}

/** Digits from which on a number may have been cut instead of rounded: the paper writes 1492 for 1492.62. */
const CUT_FROM = 3;

/** Values that are written as the stated number: rounded at its last digit, or cut there if it has many. */
function asWritten(stated: number, digit?: number): Span {
  const [mantissa = "", exponent = "0"] = String(Math.abs(stated)).split("e");
  const [whole = "", decimals = ""] = mantissa.split(".");
  const unit = digit ?? Number(`1e${Number(exponent) - decimals.length}`);
  const digits = (whole + decimals).replace(/^0+/, "").length;
  return [stated - unit / 2, stated + (digits >= CUT_FROM ? unit : unit / 2)];
}

/** The value of a measure at which neither model leads; null where it has none. */
export function evenOf(measure: Claim["measure"]): number | null {
  switch (measure?.form) {
    case "ratio":
    case "highest-ratio":
    case "longest-ratio":
      return 1;
    case "reduction":
      return 0;
    default:
      return null;
  }
}

const asSpan = (value: number | Span): Span => (typeof value === "number" ? [value, value] : value);

/** Whether all of an interval lies in the region; null where only a part does. */
function within([from, to]: Span, [least, most]: Span): boolean | null {
  if (from >= least && to <= most) return true;
  return to < least || from > most ? false : null;
}

/**
 * Whether what lies between two lengths (or ratios of lengths) agrees: they are in the region, or they have the stated
 * number between them and are no further apart than `FINE`. null where they do not tell.
 */
function between(
  lengths: Span,
  [least, most]: Span,
  holdsStated: (lengths: Span) => boolean,
): boolean | null {
  const [from, to] = lengths;
  if (to <= least || from > most) return false;
  if (from >= least && to <= most) return true;
  return holdsStated(lengths) && from > 0 && to <= FINE * from ? true : null;
}
