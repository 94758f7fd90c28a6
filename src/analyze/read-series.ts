import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import type { ColumnName } from "../record/schema.js";
import { SERIES_COLUMNS, type Series } from "./columns.js";
import type { FitScalingOptions } from "./fit-options.js";
import { unitOf } from "./metrics.js";
import {
  columnValues,
  groupRows,
  inWords,
  measuredRows,
  metricValues,
  presentColumns,
  refuseMixedKinds,
  refuseOtherUnits,
  tableOf,
  type Rows,
} from "./rows.js";
import { seriesLabel } from "./series-label.js";
import type { Sample, Weighting } from "./weighting.js";

/** The samples of one series. */
export interface SeriesSamples {
  series: Series;
  samples: Sample[];
}

/** The samples of each series that can be fitted; refuses rows that cannot. */
export function readSeries(
  given: Rows,
  { metric, by }: Pick<FitScalingOptions, "by"> & { metric: ColumnName },
  weighting: Weighting,
): SeriesSamples[] {
  const table = tableOf(given);
  const rows = measuredRows(table, metric, "to fit");
  refuseMixedKinds(table, rows);
  refuseOtherUnits(table, rows, metric, unitOf(metric));
  return groupRows(table, presentColumns(table, by ?? SERIES_COLUMNS), rows).map((group) => {
    const series = Object.fromEntries(
      Object.entries(group.key).filter(([, value]) => value !== null),
    ) as Series;
    const label = seriesLabel(series);
    if (by) refuseMixedSettings(table, group.rows, `${label} has ${metric}`);
    const samples = readSamples(table, metric, group.rows);
    refuseUnfit({ series, samples }, metric, weighting);
    return { series, samples };
  });
}

/** Refuses a group whose rows differ in a setting: a curve over both would be neither's. */
function refuseMixedSettings(table: ColumnTable, rows: readonly number[], what: string): void {
  for (const column of presentColumns(table, SERIES_COLUMNS)) {
    const values = groupRows(table, [column], rows).map(({ key }) => inWords(key[column]));
    if (values.length > 1)
      throw new UserError(
        `${what} from ${values.length} values of ${column} (${values.join(", ")}): filter the table to one, or add ` +
          `${column} to by`,
      );
  }
}

function readSamples(table: ColumnTable, metric: ColumnName, rows: readonly number[]): Sample[] {
  const lengths = columnValues(table, "prompt_tokens");
  const values = metricValues(table, metric, rows);
  const repeats = columnValues(table, "repeat");
  return rows.map((row, i) => {
    const length = lengths[row];
    if (typeof length !== "number" || !(length > 0 && length < Infinity))
      throw new UserError(`prompt_tokens is ${inWords(length)} in row ${row}: a fit needs a positive length`);
    const repeat = repeats[row];
    return { length, value: values[i]!, ...(typeof repeat === "number" && { repeat }) };
  });
}

/** Refuses a value of 0 where deviations count as a share of it. */
function refuseUnfit({ series, samples }: SeriesSamples, metric: ColumnName, weighting: Weighting): void {
  const zero = samples.find(({ value }) => value === 0);
  if (zero && weighting !== "uniform")
    throw new UserError(
      `${seriesLabel(series)} has a ${metric} of 0 at ${zero.length} tokens: ` +
        `a ${weighting} fit needs values above 0 (weighting: "uniform" allows 0)`,
    );
}
