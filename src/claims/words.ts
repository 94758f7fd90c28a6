import type { Form, Span } from "./measure.js";

/** A number with its unit: 2.648x, 63.93 %, 1492.6 J. */
export function quantity(value: number, unit: string): string {
  const size = Math.abs(value);
  const digits = size < 1000 ? value.toPrecision(4) : value.toFixed(size < 1e4 ? 1 : 0);
  const number = String(Number(digits));
  if (["", "text", "count"].includes(unit)) return number;
  if (unit === "state size") return `${unit} ${number}`;
  return unit === "x" ? `${number}x` : `${number} ${value === 1 ? singular(unit) : unit}`;
}

/** One sample, not one samples. */
const singular = (unit: string): string => (COUNTED.includes(unit) ? unit.slice(0, -1) : unit);
const COUNTED = ["tokens", "samples", "sequences", "rows", "calls", "points", "profiles"];

/** A range in words. */
export const spanWords = ([from, to]: Span, unit: string): string =>
  to === Infinity
    ? `${quantity(from, unit)} or more`
    : from === -Infinity
      ? `${quantity(to, unit)} or less`
      : `${quantity(from, "")} to ${quantity(to, unit)}`;

/** A value of a measure in words. */
export function valueWords(value: number | Span, unit: string, form?: Form): string {
  if (typeof value === "number") return quantity(value, unit);
  if (form !== "crossing") return spanWords(value, unit);
  const [from, to] = value;
  if (from === -Infinity) return `a lead from the shortest length, ${quantity(to, unit)}, on`;
  if (to === Infinity) return `no lead up to the longest length, ${quantity(from, unit)}`;
  return `a crossing between ${quantity(from, "")} and ${quantity(to, unit)}`;
}

/** How well the longest prompt is known, or a ratio of two: `, with none at 65536 tokens`. */
export function bracketWords([from, to]: Span, unit: string, form: Form): string {
  if (form !== "longest") return ` (known to be ${spanWords([from, to], unit)})`;
  return to === Infinity ? " at least" : `, with none at ${quantity(to, unit)}`;
}
