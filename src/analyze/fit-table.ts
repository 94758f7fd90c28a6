import { table, type ColumnTable } from "arquero";
import { seriesColumns } from "./columns.js";
import type { ScalingFit } from "./fit-scaling.js";

/**
 * Fits as a table to look at: a row a fit, first the series' columns, then form, coefficients a, b, c with standard
 * errors a_se, b_se, c_se (where a form has them d, d_se, break_tokens and exponent too), and how well and over which
 * lengths they hold.
 */
export function fitTable(fits: readonly ScalingFit[]): ColumnTable {
  return table({
    ...seriesColumns(fits.map(({ series }) => series)),
    metric: fits.map(({ metric }) => metric),
    unit: fits.map(({ unit }) => unit),
    form: fits.map(({ form }) => form),
    weighting: fits.map(({ weighting }) => weighting),
    a: fits.map(({ coefficients }) => coefficients.a),
    a_se: fits.map(({ standardErrors }) => standardErrors.a),
    b: fits.map(({ coefficients }) => coefficients.b),
    b_se: fits.map(({ standardErrors }) => standardErrors.b),
    c: fits.map(({ coefficients }) => coefficients.c),
    c_se: fits.map(({ standardErrors }) => standardErrors.c),
    ...(fits.some(({ breakTokens }) => breakTokens !== null) && {
      d: fits.map(({ coefficients }) => coefficients.d ?? null),
      d_se: fits.map(({ standardErrors }) => standardErrors.d ?? null),
      break_tokens: fits.map(({ breakTokens }) => breakTokens),
    }),
    ...(fits.some(({ exponent }) => exponent !== null) && { exponent: fits.map(({ exponent }) => exponent) }),
    r2: fits.map(({ r2 }) => r2),
    residual: fits.map(({ residual }) => residual),
    n: fits.map(({ n }) => n),
    lengths: fits.map(({ lengths }) => lengths.length),
    shortest_tokens: fits.map(({ range }) => range[0]),
    longest_tokens: fits.map(({ range }) => range[1]),
  });
}
