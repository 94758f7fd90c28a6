import { table as fromColumns, type ColumnTable } from "arquero";
import type { ColumnName } from "../record/schema.js";
import {
  blockedMedian,
  effectiveSamples,
  lag1Autocorrelation,
  median,
  medianInterval,
  outliers,
  sortSamples,
} from "../stats/index.js";
import { CELL_COLUMNS } from "./columns.js";
import { checkConfidence, required } from "./resampling.js";
import {
  columnValues,
  groupRows,
  measuredRows,
  metricValues,
  presentColumns,
  tableOf,
  type Rows,
} from "./rows.js";

/** Of which metric, and how sure. */
export interface SampleStatisticsOptions {
  metric: ColumnName;
  /** Of the intervals; default 0.95. */
  confidence?: number;
}

/** Indices of the samples that count, a list a cell in the order of the table. */
function samplesByCell(table: ColumnTable, metric: ColumnName) {
  const columns = presentColumns(table, CELL_COLUMNS);
  return { columns, groups: groupRows(table, columns, measuredRows(table, metric)) };
}

/**
 * How far the samples of each cell may be trusted: a row a cell with its columns, `metric`, `n`, `median`, `lo`, `hi`, `blocks`,
 * `outliers_n` (`markOutliers`), `lag1` (correlation of a sample with the one before it) and `effective_n`, the independent
 * samples that tell as much. With several blocks, the median is that of the blocks' medians and its interval holds over blocks.
 *
 * @example
 * sampleStatistics(rows, { metric: "ttft_ms" }).print();
 */
export function sampleStatistics(given: Rows, options: SampleStatisticsOptions): ColumnTable {
  const { metric, confidence = 0.95 } = required(options, "metric");
  checkConfidence(confidence);
  const table = tableOf(given);
  const { columns, groups } = samplesByCell(table, metric);
  const blocks = columnValues(table, "block");
  const rows = groups.map(({ rows: members }) => {
    const samples = metricValues(table, metric, members) as number[];
    const ofBlocks = blockedMedian(
      samples,
      members.map((row) => blocks[row] ?? null),
      confidence,
    );
    const one =
      ofBlocks.blocks > 1
        ? ofBlocks
        : {
            median: median(samples),
            interval: samples.length > 1 ? medianInterval(sortSamples(samples), confidence) : null,
          };
    return {
      metric,
      n: samples.length,
      median: one.median,
      lo: one.interval?.[0] ?? null,
      hi: one.interval?.[1] ?? null,
      blocks: ofBlocks.blocks,
      outliers_n: outliers(samples).filter(Boolean).length,
      lag1: samples.length > 2 ? lag1Autocorrelation(samples) : null,
      effective_n: effectiveSamples(samples),
    };
  });
  return fromColumns({
    ...Object.fromEntries(columns.map((name) => [name, groups.map(({ key }) => key[name])])),
    ...Object.fromEntries(
      (Object.keys(rows[0]!) as (keyof (typeof rows)[number])[]).map((name) => [
        name,
        rows.map((row) => row[name]),
      ]),
    ),
  });
}

/**
 * The table with a column `outlier`: whether the sample stands apart from its cell's (`outliers`), null where it does not count.
 * No row is left out.
 */
export function markOutliers(given: Rows, options: Pick<SampleStatisticsOptions, "metric">): ColumnTable {
  const { metric } = required(options, "metric");
  const table = tableOf(given);
  const marks = new Array<boolean | null>(table.numRows()).fill(null);
  for (const { rows } of samplesByCell(table, metric).groups) {
    const marked = outliers(metricValues(table, metric, rows) as number[]);
    rows.forEach((row, i) => (marks[row] = marked[i]!));
  }
  return table.reify().assign({ outlier: marks });
}
