import { table, type ColumnTable } from "arquero";
import { coefficientIntervals } from "./coefficient-table.js";
import { seriesColumns } from "./columns.js";
import type { ScalingFit } from "./fit-scaling.js";
import { checkConfidence } from "./resampling.js";

/**
 * Fits as a table to look at: a row a fit, first the series' columns, then form and whether it was chosen from the same
 * data (`form_chosen`), coefficients a, b, c with their intervals a_lo, a_hi and so on as in `coefficientTable` (where a
 * form has them d, break_tokens and exponent too), how well and over which lengths they hold, and what intervals are
 * judged by (`scatter`).
 */
export function fitTable(
  fits: readonly ScalingFit[],
  { confidence = 0.95 }: { confidence?: number } = {},
): ColumnTable {
  checkConfidence(confidence);
  const determined = fits.map(
    (fit) => new Map(coefficientIntervals(fit, confidence).map((one) => [one.coefficient, one])),
  );
  const withInterval = (name: string): [name: string, values: (number | null)[]][] => [
    [name, determined.map((of) => of.get(name)?.value ?? null)],
    [`${name}_lo`, determined.map((of) => of.get(name)?.interval?.[0] ?? null)],
    [`${name}_hi`, determined.map((of) => of.get(name)?.interval?.[1] ?? null)],
  ];
  const has = (name: string): boolean => determined.some((of) => of.has(name));
  const names = ["a", "b", "c", "d", "break_tokens", "exponent"];
  return table({
    ...seriesColumns(fits.map(({ series }) => series)),
    metric: fits.map(({ metric }) => metric),
    unit: fits.map(({ unit }) => unit),
    form: fits.map(({ form }) => form),
    form_chosen: fits.map(({ candidates }) => candidates !== null),
    weighting: fits.map(({ weighting }) => weighting),
    ...Object.fromEntries(names.filter(has).flatMap(withInterval)),
    r2: fits.map(({ r2 }) => r2),
    residual: fits.map(({ residual }) => residual),
    n: fits.map(({ n }) => n),
    scatter: fits.map(({ scatter }) => scatter),
    lengths: fits.map(({ lengths }) => lengths.length),
    shortest_tokens: fits.map(({ range }) => range[0]),
    longest_tokens: fits.map(({ range }) => range[1]),
  });
}
