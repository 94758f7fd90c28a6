import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { asTable, type Rows } from "../record/rows.js";
import { CELL_COLUMNS } from "./columns.js";
import { intern } from "./intern.js";

export type { Rows } from "../record/rows.js";

/** Some rows of a table, by index, and the values that they share. */
export interface Group {
  key: Record<string, unknown>;
  rows: number[];
}

/** Columns read so far, so that a table of a million rows is read once and not once a group. Tables do not change. */
const READ = new WeakMap<ColumnTable, Map<string, readonly unknown[]>>();

/** Values of a column in row order; all null where the table has no such column. */
export function columnValues(table: ColumnTable, name: string): readonly unknown[] {
  const columns = READ.get(table) ?? new Map<string, readonly unknown[]>();
  READ.set(table, columns);
  const values = columns.get(name) ?? readColumn(table, name);
  columns.set(name, values);
  return values;
}

function readColumn(table: ColumnTable, name: string): readonly unknown[] {
  const column: unknown = table.column(name);
  if (column === undefined) return new Array<null>(table.numRows()).fill(null);
  const asStored = Array.isArray(column) && !table.isFiltered() && !table.isOrdered();
  const values = asStored ? (column as unknown[]) : (table.array(name) as unknown[]);
  if (name === "ep_options") return values.map(intern);
  // Integers of 64 bits, as Arrow and databases give them.
  return values.some((value) => typeof value === "bigint")
    ? Array.from(values, (value) => (typeof value === "bigint" ? Number(value) : value))
    : values;
}

/** Rows as a table that has some; UserError for none, which says whether a filter took them. */
export function tableOf(rows: Rows): ColumnTable {
  const table = asTable(rows);
  if (table.numRows() > 0) return table;
  const total = table.totalRows();
  throw new UserError(
    total > 0
      ? `the table's filter keeps none of its ${total} rows: loosen it`
      : "the table has no rows: nothing was loaded or measured",
  );
}

/** Some rows, by index in the order that `columnValues` gives: arquero's own `reify` counts those that a filter left out too. */
export function takeRows(table: ColumnTable, rows: readonly number[]): ColumnTable {
  return table.reify().reify([...rows]);
}

/** Those of the columns in which the table has at least one value, in the order asked for. */
export function presentColumns<Name extends string>(table: ColumnTable, names: readonly Name[]): Name[] {
  return names.filter(
    (name) => table.column(name) !== undefined && columnValues(table, name).some((value) => value != null),
  );
}

/** Rows with equal values in the columns, in order of first appearance. A value that is absent is null in the key. */
export function groupRows(table: ColumnTable, names: readonly string[], rows: readonly number[]): Group[] {
  const columns = names.map((name) => columnValues(table, name));
  const members: number[][] = [];
  columns.reduce(splitBy(rows), new Int32Array(rows.length)).forEach((group, i) => {
    (members[group] ??= []).push(rows[i]!);
  });
  return members.map((group) => ({
    key: Object.fromEntries(names.map((name, i) => [name, columns[i]![group[0]!] ?? null])),
    rows: group,
  }));
}

/** Splits groups, a number a row, by one more column. Numbers follow the first appearance. */
function splitBy(rows: readonly number[]): (groups: Int32Array, column: readonly unknown[]) => Int32Array {
  return (groups, column) => {
    const split = new Int32Array(rows.length);
    const parts: Map<unknown, number>[] = [];
    let [count, lastGroup, lastValue, lastPart] = [0, -1, undefined as unknown, -1];
    for (let i = 0; i < rows.length; i++) {
      const group = groups[i]!;
      const value = column[rows[i]!] ?? null;
      // Neighbours are mostly alike, and some columns are the same throughout.
      if (group !== lastGroup || value !== lastValue) {
        const part = (parts[group] ??= new Map<unknown, number>());
        // Lists are equal if their values are.
        const key = typeof value === "object" && value !== null ? JSON.stringify(value) : value;
        const known = part.get(key);
        lastPart = known ?? count++;
        if (known === undefined) part.set(key, lastPart);
        [lastGroup, lastValue] = [group, value];
      }
      split[i] = lastPart;
    }
    return split;
  };
}

/** Every row of the table, by index. */
export function allRows(table: ColumnTable): number[] {
  return Array.from({ length: table.numRows() }, (_, row) => row);
}

/** Rows that succeeded, were not rejected and have the metric, each once; UserError that counts what was dropped if none. */
export function measuredRows(table: ColumnTable, metric: string, what = "with"): number[] {
  const { counted, dropped } = countedRows(table);
  const values = columnValues(table, metric);
  const measured = counted.filter((row) => values[row] != null);
  if (measured.length === 0)
    throw new UserError(
      `no row is left ${what} ${metric}: of ${table.numRows()} rows ` +
        [...dropped, `${counted.length} have no ${metric}`].join(" and "),
    );
  refuseDuplicates(table, [measured]);
  return measured;
}

/** Tells which rows' samples count: those that succeeded, whose verdict does not reject them, and that none replaces. */
export function countingIn(table: ColumnTable): (row: number) => boolean {
  const verdicts = columnValues(table, "verdict");
  const isNewest = newestIn(table);
  return (row) => isNewest(row) && verdicts[row] !== "rejected";
}

/** Tells which rows succeeded and were not replaced by a later attempt. */
export function newestIn(table: ColumnTable): (row: number) => boolean {
  const [statuses, superseded] = [columnValues(table, "status"), columnValues(table, "superseded")];
  return (row) => isOk(statuses[row]) && superseded[row] !== true;
}

/** Rows whose samples count, and in words what the others are. */
export function countedRows(table: ColumnTable): { counted: number[]; dropped: string[] } {
  const statuses = columnValues(table, "status");
  const all = allRows(table);
  const counted = all.filter(countingIn(table));
  const failed = statuses.filter((status) => !isOk(status)).length;
  const newest = all.filter(newestIn(table)).length;
  const [rejected, replaced] = [newest - counted.length, all.length - failed - newest];
  return {
    counted,
    dropped: [
      ...(failed > 0 ? [`${failed} have a status other than ok`] : []),
      ...(rejected > 0 ? [`${rejected} are rejected by their verdict`] : []),
      ...(replaced > 0 ? [`${replaced} were taken again`] : []),
    ],
  };
}

/** What of a table does not count, to end a sentence that misses something; empty where all of it does. */
export function droppedInWords(table: ColumnTable): string {
  const { dropped } = countedRows(table);
  return dropped.length > 0 ? ` (of ${table.numRows()} rows ${dropped.join(" and ")})` : "";
}

/** Whether a sample succeeded; a table without statuses holds successes. */
export function isOk(status: unknown): boolean {
  return status == null || status === "ok";
}

/**
 * Numbers of a metric in row order, null where it was not measured. A text, a NaN, an infinite or a negative value is
 * refused with its row: no metric of ours can be negative.
 */
export function metricValues(table: ColumnTable, metric: string, rows: readonly number[]): (number | null)[] {
  const values = columnValues(table, metric);
  return rows.map((row) => {
    const value = values[row] ?? null;
    if (value === null) return null;
    if (typeof value !== "number" || !(value >= 0 && value < Infinity))
      throw new UserError(
        `${metric} is ${inWords(value)} in row ${row}: it must be a finite number of 0 or more`,
      );
    return value;
  });
}

/**
 * Refuses rows that are there twice, as when a table was put together with itself: one sample would count as two. A
 * numbered repeat of a cell may be there once; so may a row that says where it was published or when it was measured,
 * which is there twice if it is equal in every column. Equal rows that say neither may be samples that happen to agree.
 * Rows are compared within the groups given.
 */
export function refuseDuplicates(table: ColumnTable, groups: readonly (readonly number[])[]): void {
  const [repeats, sources, times] = ["repeat", "source", "measured_at"].map((name) =>
    columnValues(table, name),
  ) as [readonly unknown[], readonly unknown[], readonly unknown[]];
  const isNumbered = (row: number): boolean => repeats[row] != null;
  const isNamed = (row: number): boolean =>
    !isNumbered(row) && (times[row] != null || (sources[row] != null && sources[row] !== "measured"));
  const again = firstOf(groups, isNumbered, (rows) =>
    // Mostly no number is there twice in a group, and nothing else need be read.
    new Set(rows.map((row) => repeats[row])).size < rows.length
      ? firstEqual(table, presentColumns(table, NUMBERED), rows)
      : [],
  );
  const twice =
    again.length > 0
      ? again
      : firstOf(groups, isNamed, (rows) => firstEqual(table, table.columnNames(), rows));
  const [row] = twice;
  if (row === undefined) return;
  const at = (name: string): string => inWords(columnValues(table, name)[row]);
  const model = (columnValues(table, "model")[row] ?? "the unnamed model") as string;
  const where = `at ${at("prompt_tokens")} tokens ${twice.length} times (rows ${twice.join(", ")})`;
  throw new UserError(
    again.length > 0
      ? `${model} has repeat ${at("repeat")} ${where}: each repeat of a cell may be there once`
      : `${model} has the same row ${where}: each sample may be there once`,
  );
}

/** What is found first among the rows of a group that are meant. */
function firstOf(
  groups: readonly (readonly number[])[],
  isMeant: (row: number) => boolean,
  find: (rows: readonly number[]) => readonly number[],
): readonly number[] {
  for (const group of groups) {
    const found = find(group.filter(isMeant));
    if (found.length > 0) return found;
  }
  return [];
}

/** Columns that tell numbered samples apart. */
const NUMBERED = [...CELL_COLUMNS, "cell", "op_class", "task", "repeat", "attempt"] as const;

/** The rows that agree with the first one that has its like in all of the columns. */
function firstEqual(table: ColumnTable, names: readonly string[], rows: readonly number[]): number[] {
  let [left, groups] = [rows, new Int32Array(rows.length)];
  for (const name of names) {
    if (left.length === 0) return [];
    const split = splitBy(left)(groups, columnValues(table, name));
    const sizes = new Int32Array(left.length);
    for (const group of split) sizes[group]!++;
    // Most rows are alone after a few columns, and need not be looked at again.
    const isShared = (i: number): boolean => sizes[split[i]!]! > 1;
    groups = split.filter((_, i) => isShared(i));
    left = left.filter((_, i) => isShared(i));
  }
  return left.filter((_, i) => groups[i] === groups[0]);
}

/** Refuses a table whose own `unit` column says another unit than the metric's. */
export function refuseOtherUnits(
  table: ColumnTable,
  rows: readonly number[],
  metric: string,
  unit: string,
): void {
  const units = columnValues(table, "unit");
  const other = rows.find((row) => units[row] != null && units[row] !== unit);
  if (other !== undefined)
    throw new UserError(
      `unit is ${inWords(units[other])} in row ${other}: ${metric} is in ${unit}, and a fit takes one unit`,
    );
}

/** Refuses rows of several kinds: a latency and a profiled run have the same columns and different meanings. */
export function refuseMixedKinds(table: ColumnTable, rows: readonly number[]): void {
  const kinds = groupRows(table, ["kind"], rows).flatMap(({ key }) => (key["kind"] ?? []) as string[]);
  if (kinds.length > 1)
    throw new UserError(
      `the rows are of ${kinds.length} kinds (${kinds.join(", ")}): filter the table to one`,
    );
}

/** A value for a message: JSON, except for the numbers that JSON turns into null. */
export function inWords(value: unknown): string {
  return typeof value === "number" ? String(value) : JSON.stringify(value);
}
