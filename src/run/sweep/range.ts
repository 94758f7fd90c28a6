import { tokensOf } from "../units.js";

/** What is wrong with a text that looks like a range, in words that follow its quotation. */
export interface RangeProblem {
  readonly problem: string;
}

/**
 * The lengths that a text names: one (8K), or a range with its step, as a factor (1024..131072*2) or a difference
 * (1K..8K+1K). The end is one of them where a step meets it. Null for a text that is neither.
 */
export function lengthsOf(text: string): number[] | RangeProblem | null {
  const one = tokensOf(text);
  if (one !== null) return [one];
  const [, from, to, sign, by] = /^([^.]+)\.\.([^*+]+)(?:([*+])(.+))?$/.exec(text.trim()) ?? [];
  if (from === undefined || to === undefined) return null;
  const [start, end] = [tokensOf(from), tokensOf(to)];
  if (start === null || end === null) return null;
  if (sign === undefined)
    return { problem: "has no step; write a factor, 1K..64K*2, or a difference, 1K..8K+1K" };
  const step = sign === "*" ? Number(by) : tokensOf(by!);
  if (step === null || !(sign === "*" ? step > 1 : step > 0) || !Number.isFinite(step))
    return { problem: `has the step "${sign}${by!}"; a factor must be above 1, a difference above 0` };
  if (start < 1 || end < start)
    return { problem: "holds no length; it must begin at 1 or more, and not end before it begins" };
  const lengths: number[] = [];
  for (
    let next = start;
    next <= end;
    next = sign === "*" ? Math.max(next + 1, Math.round(next * step)) : next + step
  )
    lengths.push(next);
  return lengths;
}
