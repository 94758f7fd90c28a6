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

/** Whether a value agrees; null where the samples reach to both sides or do not reach far enough. */
export interface Agreement {
  readonly holds: boolean | null;
  /** What would agree, in words. */
  readonly accepted: string;
}

const SIDES: Record<"above" | "at-least" | "at-most", (bound: number) => Span> = {
  above: (bound) => [bound + Math.abs(bound) * Number.EPSILON, Infinity],
  "at-least": (bound) => [bound, Infinity],
  "at-most": (bound) => [-Infinity, bound],
};

/** A crossing is known as well as its grid: two lengths of which one is at most twice the other. */
const FINE = 2;

/** Holds an estimate against a claim, allowing a factor of 1 + `slack` beyond how the number was rounded. */
export function agree(claim: Claim, expected: number | null, found: Estimate, slack: number): Agreement {
  const { accept, measure, unit } = claim;
  const { value, interval } = found;
  switch (accept.rule) {
    case "steady": {
      const [lowest, highest] = asSpan(value);
      return {
        holds: highest <= accept.factor * lowest,
        accepted: `at most ${accept.factor} times the lowest`,
      };
    }
    case "grows": {
      const [first, last] = asSpan(value);
      return { holds: last > first, accepted: "growth" };
    }
    case "above":
    case "at-least":
    case "at-most": {
      const { rule, bound } = accept;
      const accepted = `${rule.replace("-", " ")} ${quantity(bound, unit)}`;
      // A longest length is known from below: it holds as soon as it is long enough.
      if (measure?.form === "longest" && asSpan(value)[0] >= bound) return { holds: true, accepted };
      return { holds: within(interval ?? asSpan(value), SIDES[rule](bound)), accepted };
    }
    case "near": {
      if (expected === null) return { holds: null, accepted: "a stated number" };
      const region = regionOf(claim, expected, slack);
      const accepted = spanWords(region, unit);
      if (measure?.form === "crossing") return { holds: meets(asSpan(value), region), accepted };
      if (measure?.form === "longest") return { holds: limits(interval!, region), accepted };
      return { holds: within(interval ?? asSpan(value), region), accepted };
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
  const [whole = "", decimals = ""] = String(Math.abs(stated)).split(".");
  const unit = digit ?? Number(`1e-${decimals.length}`);
  const digits = (whole + decimals).replace(/^0+/, "").length;
  return [stated - unit / 2, stated + (digits >= CUT_FROM ? unit : unit / 2)];
}

/** The value of a measure at which neither model leads; null where it has none. */
export function evenOf(measure: Claim["measure"]): number | null {
  return measure?.form === "ratio" ? 1 : measure?.form === "reduction" ? 0 : null;
}

const asSpan = (value: number | Span): Span => (typeof value === "number" ? [value, value] : value);

/** Whether all of an interval lies in the region; null where only a part does. */
function within([from, to]: Span, [least, most]: Span): boolean | null {
  if (from >= least && to <= most) return true;
  return to < least || from > most ? false : null;
}

/** Whether a crossing between two lengths lies in the region; null where they are too far apart to tell. */
function meets([from, to]: Span, [least, most]: Span): boolean | null {
  if (to < least || from > most) return false;
  return from > 0 && to <= FINE * from ? true : null;
}

/** Whether the limit between a length that ran and one that did not lies in the region. */
function limits([ran, failed]: Span, [least, most]: Span): boolean | null {
  if (ran > most || failed <= least) return false;
  return ran >= least || failed < Infinity ? true : null;
}
