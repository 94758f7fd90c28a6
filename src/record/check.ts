import { inspect } from "node:util";
import { COLUMNS, type ColumnName, type ColumnType, type Row } from "./schema.js";

const isFiniteNumber = (value: unknown): boolean => Number.isFinite(value);
const isString = (value: unknown): boolean => typeof value === "string";

/** What a cell may hold, in words for the message and as a test. Not finite means not measured: that is null. */
const ACCEPTED: Record<ColumnType, { words: string; test: (value: unknown) => boolean }> = {
  string: { words: "a string", test: isString },
  number: { words: "a finite number", test: isFiniteNumber },
  boolean: { words: "true or false", test: (value) => typeof value === "boolean" },
  "number[]": {
    words: "an array of finite numbers",
    test: (value) => Array.isArray(value) && value.every(isFiniteNumber),
  },
  "string[]": {
    words: "an array of strings",
    test: (value) => Array.isArray(value) && value.every(isString),
  },
};

/** A column's type, or undefined where the schema does not know the column. */
export function columnType(name: string): ColumnType | undefined {
  return Object.hasOwn(COLUMNS, name) ? COLUMNS[name as ColumnName].type : undefined;
}

/** The sentence that says what a cell of a column holds and what it should. */
export function mismatch(column: string, type: ColumnType, found: unknown): string {
  const text = inspect(found, { breakLength: Infinity, maxArrayLength: 5, maxStringLength: 60 });
  return `column ${column} must be ${ACCEPTED[type].words}, found ${text}`;
}

/**
 * The first known column of a row whose value has the wrong type, as a sentence; null when all are right.
 * Readers and writers share this check, so a file that was written can be read.
 */
export function firstMismatch(row: Row): string | null {
  for (const [name, value] of Object.entries(row)) {
    const type = columnType(name);
    if (type !== undefined && value != null && !ACCEPTED[type].test(value))
      return mismatch(name, type, value);
  }
  return null;
}
