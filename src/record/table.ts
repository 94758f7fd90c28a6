import { table, type ColumnTable } from "arquero";
import { COLUMN_NAMES, type Row } from "./schema.js";

type Cells = Record<string, unknown>;

/**
 * A table of every column that at least one row fills, in schema order; columns the schema does not know follow,
 * as first met. Cells that a row leaves out are null.
 */
export function rowsToTable(rows: Iterable<Row>): ColumnTable {
  const list: readonly Cells[] = [...rows];
  const filled = new Set<string>();
  for (const row of list) for (const name in row) if (row[name] != null) filled.add(name);
  const known = new Set<string>(COLUMN_NAMES);
  const names = [
    ...COLUMN_NAMES.filter((name) => filled.has(name)),
    ...[...filled].filter((name) => !known.has(name)),
  ];
  return table(Object.fromEntries(names.map((name) => [name, list.map((row) => row[name] ?? null)])));
}

/** The rows of a table as it is filtered and ordered. Null cells are left out; typed arrays become plain ones. */
export function tableToRows(table: ColumnTable): Row[] {
  const rows = table.objects() as Cells[];
  return rows.map((cells) => {
    const filled = Object.entries(cells).filter(([, value]) => value != null);
    return Object.fromEntries(filled.map(([name, value]) => [name, plain(value)]));
  });
}

const plain = (value: unknown): unknown =>
  ArrayBuffer.isView(value) && !(value instanceof DataView)
    ? Array.from(value as unknown as ArrayLike<unknown>)
    : value;
