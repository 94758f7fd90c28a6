/**
 * A table as a reader sees it: the first rows, columns that hold something, numbers with sensible digits.
 * `tableView` decides what is shown; `htmlTable` and `textTable` only write it out.
 */
import { inspect } from "node:util";
import { isFrame, type FrameLike } from "../record/danfo.js";
import { COLUMNS } from "../record/schema.js";

/** What we need of an arquero table. */
export interface TableLike {
  numRows(): number;
  columnNames(): string[];
  get(column: string, row: number): unknown;
}

export interface TableView {
  columns: ColumnView[];
  shownRows: number;
  /** How much is shown, and what is not. */
  note: string;
}

interface ColumnView {
  name: string;
  /** Unit of a schema column, or "" (a name says it too: `ttft_ms`). */
  unit: string;
  /** What the schema says about the column, or "". */
  about: string;
  numeric: boolean;
  cells: string[];
}

/** More rows than this are for code, not for eyes. */
export const MAX_ROWS = 50;

const SIGNIFICANT_DIGITS = 4;

/** Four significant digits, whole numbers whole, thousands grouped from 10,000 on; "" for null. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (Number.isInteger(value)) return size < 10_000 ? String(value) : value.toLocaleString("en-US");
  if (size >= 1000) return formatNumber(Math.round(value));
  return size < 1e-4
    ? value.toExponential(SIGNIFICANT_DIGITS - 1)
    : String(Number(value.toPrecision(SIGNIFICANT_DIGITS)));
}

function formatCell(value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return formatNumber(value);
  if (typeof value === "string") return value;
  if (value instanceof Date) return value.toISOString();
  if (isList(value)) return formatList([...value]);
  return inspect(value, { depth: 1, breakLength: Infinity });
}

function formatList(values: readonly unknown[]): string {
  const shown = values.slice(0, 3).map(formatCell).join(", ");
  return values.length > 3 ? `${shown}, … (${values.length})` : shown;
}

const isList = (value: unknown): value is Iterable<unknown> =>
  Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));

const isEmpty = (value: unknown): boolean => value === null || value === undefined;

export function isTable(value: unknown): value is TableLike {
  const table = value as Partial<TableLike> | null;
  return (
    typeof table === "object" &&
    typeof table?.numRows === "function" &&
    typeof table.columnNames === "function" &&
    typeof table.get === "function"
  );
}

/** Whether a value is a list of records, e.g. fits or crossovers: it is shown as a table. */
export function isRecords(value: unknown): value is Record<string, unknown>[] {
  return Array.isArray(value) && value.length > 0 && value.every(isPlainObject);
}

const isPlainObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** A list of records as a table; its columns are the keys in the order they first appear. */
export function recordsTable(records: readonly Record<string, unknown>[]): TableLike {
  const names = [...new Set(records.flatMap((record) => Object.keys(record)))];
  return {
    numRows: () => records.length,
    columnNames: () => names,
    get: (column, row) => records[row]?.[column],
  };
}

/** A danfo.js DataFrame as a table. A number that is missing there is NaN. */
const frameTable = ({ columns, shape, values }: FrameLike): TableLike => ({
  numRows: () => shape[0]!,
  columnNames: () => columns,
  get: (column, row) => {
    const value = (values as unknown[][])[row]?.[columns.indexOf(column)];
    return Number.isNaN(value) ? null : value;
  },
});

/** The value as a table, if it is one: arquero's, danfo's, or a list of records. */
export function asTableLike(value: unknown): TableLike | null {
  if (isTable(value)) return value;
  if (isFrame(value)) return frameTable(value);
  return isRecords(value) ? recordsTable(value) : null;
}

/** What of a table is shown: at most `maxRows` rows, and no column that is empty in all rows. */
export function tableView(table: TableLike, maxRows = MAX_ROWS): TableView {
  const total = table.numRows();
  const shownRows = Math.min(total, maxRows);
  const names = table.columnNames();
  const filled = names.filter((name) => total === 0 || holdsValue(table, name));
  const columns = filled.map((name) => columnView(table, name, shownRows));
  return { columns, shownRows, note: note(shownRows, total, names.length - filled.length) };
}

function holdsValue(table: TableLike, name: string): boolean {
  for (let row = 0; row < table.numRows(); row++) if (!isEmpty(table.get(name, row))) return true;
  return false;
}

function columnView(table: TableLike, name: string, rows: number): ColumnView {
  const values = Array.from({ length: rows }, (_, row) => table.get(name, row));
  const known = (COLUMNS as Partial<Record<string, { unit: string; about: string }>>)[name];
  return {
    name,
    unit: known?.unit ?? "",
    about: known?.about ?? "",
    numeric: values.every((value) => isEmpty(value) || typeof value === "number"),
    cells: values.map(formatCell),
  };
}

function note(shown: number, total: number, empty: number): string {
  const rows = shown === total ? counted(total, "row") : `first ${shown} of ${counted(total, "row")}`;
  return empty === 0 ? rows : `${rows}; ${counted(empty, "column")} without a value left out`;
}

const counted = (count: number, noun: string): string =>
  `${formatNumber(count)} ${noun}${count === 1 ? "" : "s"}`;

const escapeHtml = (text: string): string =>
  text.replace(/[&<>"]/g, (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[char]!);

/** The view as an HTML table; the schema's words about a column are its tool tip. */
export function htmlTable({ columns, shownRows, note }: TableView): string {
  const align = (column: ColumnView): string =>
    column.numeric
      ? ' style="text-align: right; font-variant-numeric: tabular-nums"'
      : ' style="text-align: left"';
  const head = columns.map((column) => {
    const tip = column.about ? ` title="${escapeHtml(column.about)}"` : "";
    const unit = column.unit ? `<br><small>${escapeHtml(column.unit)}</small>` : "";
    return `<th${align(column)}${tip}>${escapeHtml(column.name)}${unit}</th>`;
  });
  const body = Array.from({ length: shownRows }, (_, row) => {
    const cells = columns.map((column) => `<td${align(column)}>${escapeHtml(column.cells[row]!)}</td>`);
    return `<tr>${cells.join("")}</tr>`;
  });
  return [
    "<table>",
    `<thead><tr>${head.join("")}</tr></thead>`,
    "<tbody>",
    ...body,
    "</tbody>",
    "</table>",
    `<p><small>${escapeHtml(note)}</small></p>`,
  ].join("\n");
}

/** The view as aligned text. */
export function textTable({ columns, shownRows, note }: TableView): string {
  const padded = columns.map((column) => {
    const width = Math.max(...[column.name, ...column.cells].map((cell) => cell.length));
    const pad = (cell: string): string => (column.numeric ? cell.padStart(width) : cell.padEnd(width));
    return [column.name, ...column.cells].map(pad);
  });
  const lines = Array.from({ length: shownRows + 1 }, (_, line) =>
    padded
      .map((column) => column[line])
      .join("  ")
      .trimEnd(),
  );
  return [...lines, note].join("\n");
}
