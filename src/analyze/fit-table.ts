import { table, type ColumnTable } from "arquero";
import { SERIES_COLUMNS } from "./columns.js";
import type { ScalingFit } from "./fit-scaling.js";

/**
 * Fits as a table to look at: a row a fit, first the series' columns, then form, coefficients a, b, c with standard
 * errors a_se, b_se, c_se, and how well and over which lengths they hold.
 */
export function fitTable(fits: readonly ScalingFit[]): ColumnTable {
  const used = SERIES_COLUMNS.filter((name) => fits.some(({ series }) => series[name] !== undefined));
  const series = used.map((name) => [name, fits.map((fit) => fit.series[name] ?? null)] as const);
  return table({
    ...Object.fromEntries(series),
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
    r2: fits.map(({ r2 }) => r2),
    residual: fits.map(({ residual }) => residual),
    n: fits.map(({ n }) => n),
    lengths: fits.map(({ lengths }) => lengths.length),
    shortest_tokens: fits.map(({ range }) => range[0]),
    longest_tokens: fits.map(({ range }) => range[1]),
  });
}
