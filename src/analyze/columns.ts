import type { ColumnName, Row } from "../record/schema.js";

/** Columns whose values tell one series from another: samples that share them differ in the length alone. */
export const SERIES_COLUMNS = [
  "kind",
  "campaign",
  "model",
  "family",
  "weights",
  "dtype",
  "quant_block",
  "quant_compute",
  "lowering",
  "decode_lowering",
  "fused_products",
  "device",
  "ep",
  "ep_options",
  "cuda_graph",
  "threads",
  "phase",
  "batch",
  "prompt",
  "new_tokens",
  "prefill",
  "segment_tokens",
  "logits",
  "method",
] as const satisfies readonly ColumnName[];

/** A column that tells one series from another. */
export type SeriesColumn = (typeof SERIES_COLUMNS)[number];

/** What a series is: the columns of SERIES_COLUMNS that have a value. */
export type Series = { readonly [K in SeriesColumn]?: NonNullable<Row[K]> };

/** Those that say which model it is and how it is expressed and run, whatever was read of the run. */
export const RUN_COLUMNS = [
  "model",
  "dtype",
  "quant_block",
  "quant_compute",
  "lowering",
  "decode_lowering",
  "fused_products",
  "device",
  "ep",
  "ep_options",
  "cuda_graph",
  "threads",
  "batch",
  "prefill",
  "segment_tokens",
  "logits",
] as const satisfies readonly SeriesColumn[];

/** Columns that tell one cell from another: a series at one length. */
export const CELL_COLUMNS = [...SERIES_COLUMNS, "prompt_tokens"] as const satisfies readonly ColumnName[];

/** The columns of SERIES_COLUMNS that one of the series has, a value a series. */
export function seriesColumns(series: readonly Series[]): Record<string, unknown[]> {
  const used = SERIES_COLUMNS.filter((name) => series.some((one) => one[name] !== undefined));
  return Object.fromEntries(used.map((name) => [name, series.map((one) => one[name] ?? null)]));
}
