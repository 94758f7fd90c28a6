import { SERIES_COLUMNS, type Series, type SeriesColumn } from "./columns.js";

/** Columns that follow from the model or say nothing to a reader who sees the model's name. */
const UNSPOKEN: readonly SeriesColumn[] = ["kind", "model", "family"];

/** A series in words: its model, or a phrase where the rows name none. */
export function seriesLabel(series: Series): string {
  return series.model ?? "the unnamed model";
}

/**
 * Two different labels for two series: the models, with the settings in which they differ. A setting that only one
 * of two models has (a lowering) does not make them differ. Series that agree in all become (1) and (2).
 */
export function labelPair(a: Series, b: Series): [a: string, b: string] {
  const sameModel = a.model === b.model;
  const differing = SERIES_COLUMNS.filter(
    (column) =>
      !UNSPOKEN.includes(column) &&
      a[column] !== b[column] &&
      (sameModel || (a[column] !== undefined && b[column] !== undefined)),
  );
  const pair = [a, b].map((series) => {
    const settings = differing.map((column) => setting(series, column));
    return seriesLabel(series) + (settings.length > 0 ? ` (${settings.join(", ")})` : "");
  });
  return pair[0] === pair[1] ? [`${pair[0]!} (1)`, `${pair[1]!} (2)`] : [pair[0]!, pair[1]!];
}

function setting(series: Series, column: SeriesColumn): string {
  const value = series[column];
  if (value === undefined) return `no ${column}`;
  if (Array.isArray(value)) return value.join(" ");
  // Its values are those of `lowering`.
  return typeof value === "string" && column !== "decode_lowering" ? value : `${column} ${value}`;
}
