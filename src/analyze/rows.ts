import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { intern } from "./intern.js";

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
  return name === "ep_options" ? values.map(intern) : values;
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

/** Rows that succeeded and have the metric; UserError that says what was dropped if there are none. */
export function measuredRows(table: ColumnTable, metric: string, what = "with"): number[] {
  refuseEmpty(table);
  const every = allRows(table);
  const statuses = columnValues(table, "status");
  const values = columnValues(table, metric);
  const ok = every.filter((row) => isOk(statuses[row]));
  const measured = ok.filter((row) => values[row] != null);
  if (measured.length > 0) return measured;
  throw new UserError(
    `no row is left ${what} ${metric}: of ${every.length} rows ${every.length - ok.length} have a status other ` +
      `than ok and ${ok.length - measured.length} have no ${metric}`,
  );
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

/** Refuses a table without rows, and says whether it was filtered to none. */
function refuseEmpty(table: ColumnTable): void {
  if (table.numRows() > 0) return;
  const total = table.totalRows();
  throw new UserError(
    total > 0
      ? `the table's filter keeps none of its ${total} rows: loosen it`
      : "the table has no rows: nothing was loaded or measured",
  );
}

/** Refuses a repeat of a cell that is there twice, which would count one sample as two. */
export function refuseDuplicates(table: ColumnTable, rows: readonly number[], label: string): void {
  const key = presentColumns(table, ["cell", "prompt_tokens", "repeat"]);
  if (!key.includes("repeat")) return;
  const twice = groupRows(table, key, rows).find(
    (group) => group.key["repeat"] !== null && group.rows.length > 1,
  );
  if (twice)
    throw new UserError(
      `${label} has repeat ${inWords(twice.key["repeat"])} at ${inWords(twice.key["prompt_tokens"])} tokens ` +
        `${twice.rows.length} times (rows ${twice.rows.join(", ")}): each repeat of a cell may be there once`,
    );
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
