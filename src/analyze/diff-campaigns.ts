import { from, table as fromColumns, type ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { COLUMNS, environmentDifferences, type ColumnName, type LoadedCampaign } from "../record/index.js";
import { median } from "../stats/index.js";
import { isMoreBetter } from "./better.js";
import { CELL_COLUMNS } from "./columns.js";
import {
  decideDifferences,
  differenceOptions,
  type DecidedDifference,
  type DifferenceOptions,
} from "./decide-difference.js";
import { cellsOf, keyOf, type Cell } from "./pairing.js";
import { allRows, columnValues, groupRows, isOk, tableOf } from "./rows.js";

/** What of two campaigns is compared. */
export interface DiffOptions extends DifferenceOptions {
  /** Default: those of DIFF_METRICS that both campaigns have. */
  metrics?: readonly ColumnName[];
}

/** What two campaigns are compared by, unless the caller says otherwise. */
export const DIFF_METRICS = ["ttft_ms", "tpot_ms", "total_bytes", "energy_j"] as const satisfies ColumnName[];

/** In what two campaigns differ. */
export interface CampaignDiff {
  /** `field`, `a`, `b`, and `fixed` where rows that differ in it cannot be one campaign's; no rows where nothing differs. */
  readonly environment: ColumnTable;
  /** Why the environments cannot be compared, else null. */
  readonly environmentNote: string | null;
  /** Cells that are there in one alone, or ended otherwise: their settings, `status_a` and `status_b`. */
  readonly cells: ColumnTable;
  /**
   * A row for each metric of each shared cell: its settings, `metric`, `unit`, `a_value`, `b_value` (medians), `ratio` (b over
   * a) with `ratio_lo`, `ratio_hi`, `p`, `p_holm`, `p_same`, `p_same_holm`, `verdict` (same, faster, slower, less, more,
   * undecided: b against a), and `beyond`: whether it differs by more than `sameWithin`.
   */
  readonly numbers: ColumnTable;
  /** Whether a number is beyond `sameWithin`, or a cell of both ended otherwise. */
  readonly differs: boolean;
}

/**
 * What differs between two campaigns: first in their environments, then in which cells they hold, then in numbers, a ratio with
 * its interval for each shared setting and metric. How it is decided: `compareSettings`; the samples of two campaigns are
 * independent, and Holm's method counts all rows of `numbers`.
 *
 * UserError where no setting is shared, or a metric is in neither.
 *
 * @example
 * const diff = diffCampaigns(loadCampaign("out/before"), loadCampaign("out/after"), { metrics: ["ttft_ms"] });
 * diff.numbers.print();
 */
export function diffCampaigns(a: LoadedCampaign, b: LoadedCampaign, options: DiffOptions = {}): CampaignDiff {
  const settled = differenceOptions(options);
  const columns = settingColumns(a, b);
  const cells = cellDifferences(a, b, columns);
  const metrics = metricsOf(a, b, options.metrics);
  const pairs = metrics.flatMap((metric) => pairsOf(a, b, metric, columns));
  if (pairs.length === 0)
    throw new UserError(
      `${a.name} and ${b.name} share no setting with ${metrics.join(" or ")}, so nothing can be compared: ${apart(a, b, columns)}`,
    );
  const decided = decideDifferences(
    pairs.map((pair) => ({
      a: { samples: pair.a.samples, blocks: [] },
      b: { samples: pair.b.samples, blocks: [] },
    })),
    settled,
  );
  const told = columns.filter((name) => pairs.some((pair) => pair.a.key[name] != null));
  const numbers = pairs.map((pair, i) => ({
    ...Object.fromEntries(told.map((name) => [name, pair.a.key[name] ?? null])),
    ...numbersOf(pair, decided[i]!, settled.sameWithin),
  }));
  return {
    ...environmentsOf(a, b),
    cells: tableWith([...columns, "status_a", "status_b"], cells),
    numbers: from(numbers),
    differs:
      numbers.some(({ beyond }) => beyond) ||
      cells.some(({ status_a, status_b }) => status_a !== null && status_b !== null),
  };
}

function environmentsOf(
  a: LoadedCampaign,
  b: LoadedCampaign,
): Pick<CampaignDiff, "environment" | "environmentNote"> {
  const without = [a, b].filter(({ environment }) => environment === null).map(({ name }) => name);
  const differences =
    a.environment && b.environment ? environmentDifferences(a.environment, b.environment) : [];
  return {
    environment: tableWith(["field", "a", "b", "fixed"], differences),
    environmentNote:
      without.length > 0
        ? `${without.join(" and ")} ${without.length > 1 ? "have" : "has"} no environment.json: what differs there is unknown`
        : null,
  };
}

/** A table that has its columns also without rows. */
function tableWith(names: readonly string[], rows: readonly object[]): ColumnTable {
  return fromColumns(
    Object.fromEntries(
      names.map((name) => [name, rows.map((row) => (row as Record<string, unknown>)[name] ?? null)]),
    ),
  );
}

/**
 * Columns that make a setting. The device is one of them unless each campaign has a single one, and another. A column that one
 * campaign lacks, as rows of an older version do, is none where the other has a single value in it.
 */
function settingColumns(a: LoadedCampaign, b: LoadedCampaign): ColumnName[] {
  const names: readonly ColumnName[] = [...CELL_COLUMNS, "memory_limit_bytes"];
  return names.filter((name) => {
    const [ofA, ofB] = [valuesOf(a, name), valuesOf(b, name)];
    if (name === "campaign") return false;
    if (name === "device" && ofA.size === 1 && ofB.size === 1) return [...ofA][0] === [...ofB][0];
    const lacks = [ofA, ofB].some((values) => values.size === 1 && values.has("null"));
    return !lacks || name === "memory_limit_bytes" || ofA.size + ofB.size > 2;
  });
}

/** The values that the rows of a campaign have in a column, as JSON. */
const valuesOf = ({ rows }: LoadedCampaign, name: ColumnName): Set<string> =>
  new Set(columnValues(tableOf(rows), name).map((value) => JSON.stringify(value ?? null)));

/** In which settings no row of the one agrees with any of the other, in words. */
function apart(a: LoadedCampaign, b: LoadedCampaign, columns: readonly ColumnName[]): string {
  const told = columns.flatMap((name) => {
    const [ofA, ofB] = [valuesOf(a, name), valuesOf(b, name)];
    return [...ofA].some((value) => ofB.has(value))
      ? []
      : [`${name} is ${[...ofA].join(" or ")} in ${a.name} and ${[...ofB].join(" or ")} in ${b.name}`];
  });
  return told.length > 0 ? told.join(", ") : `no row agrees with another in all of ${columns.join(", ")}`;
}

function metricsOf(
  a: LoadedCampaign,
  b: LoadedCampaign,
  asked: readonly ColumnName[] | undefined,
): readonly ColumnName[] {
  const has = ({ rows }: LoadedCampaign, metric: ColumnName): boolean =>
    columnValues(tableOf(rows), metric).some((value) => value != null);
  const lacking = asked?.find((metric) => !has(a, metric) || !has(b, metric));
  if (lacking !== undefined)
    throw new UserError(
      `no row of ${has(a, lacking) ? b.name : a.name} has ${lacking}: both campaigns must, to be compared by it`,
    );
  const metrics = asked ?? DIFF_METRICS.filter((metric) => has(a, metric) && has(b, metric));
  if (metrics.length === 0)
    throw new UserError(`${a.name} and ${b.name} have none of ${DIFF_METRICS.join(", ")} in common`);
  return metrics;
}

interface Pair {
  readonly metric: ColumnName;
  readonly a: Cell;
  readonly b: Cell;
}

function pairsOf(
  a: LoadedCampaign,
  b: LoadedCampaign,
  metric: ColumnName,
  columns: readonly ColumnName[],
): Pair[] {
  const [ofA, ofB] = [a, b].map(({ rows }) => cellsOf(rows, metric, columns)) as [Cell[], Cell[]];
  const byKey = new Map(ofB.map((cell) => [keyOf(cell, columns), cell]));
  return ofA.flatMap((cell) => {
    const other = byKey.get(keyOf(cell, columns));
    return other ? [{ metric, a: cell, b: other }] : [];
  });
}

function numbersOf({ metric, a, b }: Pair, decided: DecidedDifference, sameWithin: number) {
  const { verdict, method: _, ...rest } = decided;
  return {
    metric,
    unit: COLUMNS[metric].unit,
    a_value: median(a.samples),
    b_value: median(b.samples),
    a_n: a.samples.length,
    b_n: b.samples.length,
    ...rest,
    verdict: verdict === "different" ? inWords(metric, rest.ratio) : verdict,
    beyond:
      verdict === "different" &&
      (rest.ratio === null || Math.abs(Math.log(rest.ratio)) > Math.log1p(sameWithin)),
  };
}

/** How b differs from a, in a word. */
function inWords(metric: ColumnName, ratio: number | null): string {
  const isMore = ratio === null || ratio > 1;
  if (metric.endsWith("_ms") || metric.endsWith("_per_s"))
    return isMore === isMoreBetter(metric) ? "faster" : "slower";
  return isMore ? "more" : "less";
}

interface CellDifference {
  readonly status_a: string | null;
  readonly status_b: string | null;
}

/** Cells that one campaign lacks, or that ended otherwise in it. A cell is ok where one of its samples is. */
function cellDifferences(
  a: LoadedCampaign,
  b: LoadedCampaign,
  columns: readonly ColumnName[],
): CellDifference[] {
  const [ofA, ofB] = [a, b].map(({ rows }) => statuses(rows, columns)) as [Statuses, Statuses];
  return [...new Set([...ofA.keys(), ...ofB.keys()])].flatMap((key) => {
    const [inA, inB] = [ofA.get(key), ofB.get(key)];
    return inA?.status === inB?.status
      ? []
      : [{ ...(inA ?? inB!).key, status_a: inA?.status ?? null, status_b: inB?.status ?? null }];
  });
}

type Statuses = Map<string, { key: Record<string, unknown>; status: string }>;

/** A cell that failed may lack what only a run tells, such as whether a graph was captured: that is no other cell. */
const ONLY_OF_RUNS: readonly ColumnName[] = ["cuda_graph", "method"];

function statuses(rows: ColumnTable, columns: readonly ColumnName[]): Statuses {
  const values = columnValues(rows, "status");
  const names = columns.filter((name) => !ONLY_OF_RUNS.includes(name));
  return new Map(
    groupRows(rows, names, allRows(rows)).map(({ key, rows: members }) => {
      const failed = members.map((row) => values[row]).find((status) => !isOk(status));
      const ok = members.some((row) => isOk(values[row]));
      return [
        JSON.stringify(names.map((name) => key[name] ?? null)),
        { key, status: ok ? "ok" : String(failed) },
      ];
    }),
  );
}
