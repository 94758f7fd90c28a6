import type { Held } from "../decoder.js";

type Folded = Pick<Held, "transform">;

/** A constant that an architecture multiplies an activation by, as part of the weight beside it: it costs nothing then. */
export const times = (multiplier: number): Folded =>
  multiplier === 1 ? {} : { transform: (stored) => stored * multiplier };

/**
 * The same with a multiplier for each section of the rows of a matrix.
 *
 * @param width elements of a row
 */
export function rowsTimes(
  sections: readonly { readonly rows: number; readonly multiplier: number }[],
  width: number,
): Folded {
  if (sections.every(({ multiplier }) => multiplier === 1)) return {};
  const ofRow = sections.flatMap(({ rows, multiplier }) => Array<number>(rows).fill(multiplier));
  return { transform: (stored, index) => stored * ofRow[Math.floor(index / width)]! };
}
