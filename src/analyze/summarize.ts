import { table as fromColumns, type ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { COLUMNS, COLUMN_NAMES, type ColumnName } from "../record/schema.js";
import { medianInterval, quantile, sortSamples } from "../stats/index.js";
import { CELL_COLUMNS } from "./columns.js";
import { SUMMARY_METRICS } from "./metrics.js";
import { checkConfidence } from "./resampling.js";
import {
  allRows,
  columnValues,
  countingIn,
  groupRows,
  isOk,
  metricValues,
  newestIn,
  presentColumns,
  refuseDuplicates,
  refuseMixedKinds,
  tableOf,
  type Rows,
} from "./rows.js";

/** What is summarised, by what, and how sure. */
export interface SummarizeOptions {
  /** Number columns to summarize; default those of SUMMARY_METRICS that the table has. */
  metrics?: readonly ColumnName[];
  /** Columns that make a cell; default those of CELL_COLUMNS that the table has. */
  by?: readonly ColumnName[];
  /** Of the intervals; default 0.95. */
  confidence?: number;
}

interface Summary {
  median: number | null;
  lo: number | null;
  hi: number | null;
  n: number;
}

/**
 * One row a cell: its columns, `status`, the worst `verdict` of its samples, and for each metric the median under the
 * metric's own name and unit, then `<metric>_lo` and `<metric>_hi` (`medianInterval`) and `<metric>_n`, the samples.
 *
 * Samples count that succeeded and whose verdict does not reject them; `rejected_n` says how many were rejected, where
 * some were. A cell without one keeps its row, with the status it has instead of ok (oom is a finding) or the verdict
 * rejected, n = 0 and null medians. One sample has a median and no interval. Bytes below 0, which some published rows
 * have, are left out, and `problem` names them.
 *
 * UserError for an empty table, unknown columns, a metric that is not a number or otherwise below 0, rows that are there
 * twice, and cells that would mix rows of several kinds.
 *
 * @example
 * summarize(table, { metrics: ["ttft_ms"] }).print();
 */
export function summarize(
  given: Rows,
  { metrics, by, confidence = 0.95 }: SummarizeOptions = {},
): ColumnTable {
  checkConfidence(confidence);
  const table = tableOf(given);
  const cellColumns = chooseColumns(table, by, CELL_COLUMNS);
  const metricColumns = chooseColumns(table, metrics, SUMMARY_METRICS);
  refuseNonNumbers(metricColumns);

  const cells = groupRows(table, cellColumns, allRows(table));
  for (const { rows } of cells) refuseMixedKinds(table, rows);
  const statuses = columnValues(table, "status");
  if (metricColumns.length === 0 && statuses.every(isOk))
    throw new UserError(`the table has no metric: it needs one of ${SUMMARY_METRICS.join(", ")}`);
  const verdicts = columnValues(table, "verdict");
  const isCounted = countingIn(table);
  const samples = cells.map(({ rows }) => rows.filter(isCounted));
  const measurements = metricColumns.map((metric) => columnValues(table, metric));
  refuseDuplicates(
    table,
    samples.map((rows) => rows.filter((row) => measurements.some((values) => values[row] != null))),
  );

  const columns: Record<string, unknown[]> = {};
  for (const name of cellColumns) columns[name] = cells.map(({ key }) => key[name]);
  columns["status"] = cells.map(({ rows }, i) => {
    const failed = rows.map((row) => statuses[row]).find((status) => !isOk(status));
    return samples[i]!.length > 0 ? "ok" : (failed ?? "ok");
  });
  if (table.column("verdict")) {
    const all = cells.map(({ rows }) => rows.filter(newestIn(table)));
    columns["verdict"] = all.map((rows, i) =>
      worstVerdict((samples[i]!.length > 0 ? samples[i]! : rows).map((row) => verdicts[row])),
    );
    const rejected = all.map((rows, i) => rows.length - samples[i]!.length);
    if (rejected.some((count) => count > 0)) columns["rejected_n"] = rejected;
  }
  const problems: string[][] = cells.map(() => []);
  for (const metric of metricColumns) {
    const summaries = samples.map((rows, i) => {
      const below = belowZero(table, metric, rows);
      for (const row of below)
        problems[i]!.push(`${metric} is ${String(columnValues(table, metric)[row])} in row ${row}`);
      const values = metricValues(
        table,
        metric,
        below.length === 0 ? rows : rows.filter((row) => !below.includes(row)),
      );
      return summarizeSamples(
        values.filter((value) => value !== null),
        confidence,
      );
    });
    columns[metric] = summaries.map((summary) => summary.median);
    columns[`${metric}_lo`] = summaries.map(({ lo }) => lo);
    columns[`${metric}_hi`] = summaries.map(({ hi }) => hi);
    columns[`${metric}_n`] = summaries.map(({ n }) => n);
  }
  if (problems.some((of) => of.length > 0))
    columns["problem"] = problems.map((of) =>
      of.length > 0 ? `left out: ${of.join(", ")}, and bytes cannot be below 0` : null,
    );
  return fromColumns(columns);
}

/** Rows with bytes below 0: the paper published some, found as a difference. Other metrics below 0 are refused. */
function belowZero(table: ColumnTable, metric: ColumnName, rows: readonly number[]): number[] {
  if (COLUMNS[metric].unit !== "bytes") return [];
  const values = columnValues(table, metric);
  return rows.filter((row) => (values[row] as number | null) !== null && (values[row] as number) < 0);
}

/** From the best to the worst. */
const VERDICTS = ["ok", "suspect", "rejected"];

/** A cell is as doubtful as its most doubtful sample; null where no sample has a verdict. */
const worstVerdict = (verdicts: readonly unknown[]): string | null =>
  VERDICTS.findLast((verdict) => verdicts.includes(verdict)) ?? null;

function summarizeSamples(samples: readonly number[], confidence: number): Summary {
  const n = samples.length;
  if (n === 0) return { median: null, lo: null, hi: null, n };
  const sorted = sortSamples(samples);
  const [lo, hi] = (n > 1 && medianInterval(sorted, confidence)) || [null, null];
  return { median: quantile(sorted, 0.5), lo, hi, n };
}

/** The columns asked for, refused if the table lacks one; without a request those of the defaults that it has. */
function chooseColumns(
  table: ColumnTable,
  asked: readonly ColumnName[] | undefined,
  defaults: readonly ColumnName[],
): readonly ColumnName[] {
  if (!asked) return presentColumns(table, defaults);
  const missing = asked.find((name) => table.column(name) === undefined);
  if (missing !== undefined)
    throw new UserError(
      `the table has no column ${missing}: its columns are ${table.columnNames().join(", ")}`,
    );
  return asked;
}

function refuseNonNumbers(metrics: readonly ColumnName[]): void {
  const wrong = metrics.find((name) => !COLUMN_NAMES.includes(name) || COLUMNS[name].type !== "number");
  if (wrong !== undefined) throw new UserError(`metric is ${wrong}: it must be a column of numbers`);
}
