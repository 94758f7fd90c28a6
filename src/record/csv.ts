import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { columnType, firstMismatch, mismatch } from "./check.js";
import type { ColumnType, Row } from "./schema.js";
import { splitCsv } from "./split-csv.js";
import { rowsToTable, tableToRows } from "./table.js";

/** Separates the values of an array cell. `[]` is an array without values, since an empty cell is null. */
const SEPARATOR = ";";
const EMPTY_ARRAY = "[]";

/**
 * CSV (RFC 4180, header line, `\n`) of a table. An empty cell is null, so an empty string comes back as null.
 * Throws `UserError` where a value has the wrong type or a string of an array holds the separator.
 */
export function tableToCsv(table: ColumnTable): string {
  const rows: readonly Record<string, unknown>[] = tableToRows(table);
  const names = table.columnNames();
  const lines = rows.map((row) => {
    const wrong = firstMismatch(row);
    if (wrong !== null) throw new UserError(`The CSV was not written: ${wrong}.`);
    return names.map((name) => quoted(cellText(name, row[name]))).join(",");
  });
  return [names.map(quoted).join(","), ...lines, ""].join("\n");
}

/** Reads CSV. The schema says how a column is parsed; a column it does not know stays text. */
export function csvToTable(text: string, file: string): ColumnTable {
  const [header, ...records] = splitCsv(text, file);
  const names = header?.cells ?? [];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new UserError(`${file}: column ${twice} occurs twice.`);
  const rows = records.map(({ cells, line }): Row => {
    if (cells.length !== names.length) {
      const found = `${cells.length} cells where the header has ${names.length}`;
      throw new UserError(`${file} line ${line} has ${found}: the line is cut or a comma is not quoted.`);
    }
    const where = `${file} line ${line}`;
    return Object.fromEntries(names.map((name, i) => [name, parseCell(name, cells[i]!, where)]));
  });
  return rowsToTable(rows);
}

/**
 * Columns that are given as text, one by one, such as options of a command. `UserError` for a column that the schema does not
 * know, and for a value of the wrong type.
 */
export function parseColumns(texts: Readonly<Record<string, string>>, where: string): Row {
  const unknown = Object.keys(texts).find((name) => columnType(name) === undefined);
  if (unknown !== undefined)
    throw new UserError(`${where}: there is no column ${unknown}; data/README.md lists them.`);
  return Object.fromEntries(
    Object.entries(texts).map(([name, text]) => [name, parseCell(name, text, where)]),
  );
}

function cellText(name: string, value: unknown): string {
  if (value == null || Number.isNaN(value)) return "";
  if (!Array.isArray(value)) return typeof value === "string" ? value : JSON.stringify(value);
  if (value.length === 0) return EMPTY_ARRAY;
  const texts = value.map(String);
  const bad = texts.find((text) => text === "" || text === EMPTY_ARRAY || text.includes(SEPARATOR));
  if (bad === undefined) return texts.join(SEPARATOR);
  throw new UserError(
    `The CSV was not written: column ${name} holds ${JSON.stringify(bad)}, but ${JSON.stringify(SEPARATOR)} separates ` +
      `the values of an array; save as .jsonl or .arrow instead.`,
  );
}

const quoted = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

const PARSERS: Record<ColumnType, (text: string) => unknown> = {
  string: (text) => text,
  number: (text) => (text.trim() === "" ? NaN : Number(text)),
  // Python writes True and False.
  boolean: (text) => ({ true: true, false: false })[text.toLowerCase()],
  "number[]": (text) => splitArray(text).map(PARSERS.number),
  "string[]": (text) => splitArray(text),
};

const splitArray = (text: string): string[] => (text === EMPTY_ARRAY ? [] : text.split(SEPARATOR));

function parseCell(name: string, text: string, where: string): unknown {
  const type = columnType(name);
  if (text === "") return null;
  if (type === undefined) return text;
  const value = PARSERS[type](text);
  if (firstMismatch({ [name]: value ?? NaN }) !== null)
    throw new UserError(`${where}: ${mismatch(name, type, text)}.`);
  return value;
}
