import { createRequire } from "node:module";

/** Loaded when first asked for, as with Student's t. */
let padjust: typeof import("@stdlib/stats-padjust") | null = null;

/**
 * p values of many comparisons, raised so that calling those below α different is wrong about any of them in at most a share α
 * of all cases (Holm 1979). In the order given.
 */
export function holm(values: readonly number[]): number[] {
  const wrong = values.find((p) => !(p >= 0 && p <= 1));
  if (wrong !== undefined) throw new RangeError(`p is ${wrong}: it must be between 0 and 1`);
  if (values.length === 0) return [];
  const require = createRequire(import.meta.url);
  padjust ??= require("@stdlib/stats-padjust") as typeof padjust & object;
  return padjust([...values], "holm");
}
