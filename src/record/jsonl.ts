import {
  appendFileSync,
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  truncateSync,
} from "node:fs";
import { UserError } from "../errors.js";
import { firstMismatch } from "./check.js";
import type { Row } from "./schema.js";

/** What a file of JSON lines held: its whole rows, and a sentence about a last line that was not one, or null. */
export interface JsonLines {
  rows: Row[];
  cut: string | null;
}

/** Where a reader or writer reports damage it could work around. */
export interface WarningOptions {
  /** Told of each trouble in one sentence. Default: `console.warn`. */
  onWarning?: (message: string) => void;
}

const NEWLINE = 0x0a;

/** One JSON object a line, null columns left out. Throws `UserError` for a row that no reader would accept. */
export function formatJsonLines(rows: Iterable<Row>): string {
  let text = "";
  for (const row of rows) {
    const wrong = firstMismatch(row);
    if (wrong !== null) throw new UserError(`A row was not written: ${wrong}.`);
    const filled = Object.entries(row).filter(([, value]) => value != null);
    text += `${JSON.stringify(Object.fromEntries(filled))}\n`;
  }
  return text;
}

/**
 * Reads JSON lines. A last line that is not an object is what a crash leaves: reported in `cut`, not thrown.
 * Such a line before the last, or a known column of the wrong type, is a `UserError` naming file and line.
 */
export function parseJsonLines(text: string, file: string): JsonLines {
  const lines = text.split("\n");
  while (lines.at(-1)?.trim() === "") lines.pop();
  const rows: Row[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const where = `${file} line ${index + 1}`;
    const row = parseObject(line);
    if (row === null) {
      const sentence = `${where} is not a JSON object: ${excerpt(line)}`;
      if (index === lines.length - 1) return { rows, cut: sentence };
      throw new UserError(`${sentence}. Only the last line may be cut; mend or delete it.`);
    }
    const wrong = firstMismatch(row);
    if (wrong !== null) throw new UserError(`${where}: ${wrong}.`);
    rows.push(row);
  }
  return { rows, cut: null };
}

/** Rows of a file with one JSON object a line; of a last line that was cut off it says so and leaves it out. */
export function readJsonLines(path: string): JsonLines {
  return parseJsonLines(readFileSync(path, "utf8"), path);
}

/**
 * Appends rows in one write, flushed to the disk before it returns, so a crash cuts at most the last line.
 * What a crash left is dealt with first: a cut last line is dropped with a warning (its sample is to be taken
 * again), a whole one that only lacks its newline is kept.
 */
export function appendRows(path: string, rows: Iterable<Row>, options: WarningOptions = {}): void {
  const text = formatJsonLines(rows);
  const separator = endsInsideLine(path, "a+") ? mendLastLine(path, options) : "";
  const { size } = statSync(path);
  try {
    appendFileSync(path, separator + text, { flush: true });
  } catch (error) {
    dropBeyond(path, size);
    throw error;
  }
}

/** Takes back what a full disk had room for of a row, so that readers find whole lines only. */
function dropBeyond(path: string, size: number): void {
  try {
    truncateSync(path, size);
  } catch {
    // The cut line stays, and is left out by readers.
  }
}

function endsInsideLine(path: string, flags: "a+" | "r"): boolean {
  const file = openSync(path, flags);
  try {
    const { size } = fstatSync(file);
    const last = Buffer.alloc(1);
    return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE;
  } finally {
    closeSync(file);
  }
}

/** The last line of a file where a crash has cut it, or null where the file ends in a whole one. */
export function tornLine(path: string): string | null {
  if (!endsInsideLine(path, "r")) return null;
  const bytes = readFileSync(path);
  const line = bytes.toString("utf8", bytes.lastIndexOf(NEWLINE) + 1);
  return line.trim() === "" || parseObject(line) !== null ? null : line;
}

/** Drops a cut last line; returns the text that must come before the next one. */
function mendLastLine(path: string, { onWarning = console.warn }: WarningOptions): "" | "\n" {
  const bytes = readFileSync(path);
  const start = bytes.lastIndexOf(NEWLINE) + 1;
  const line = bytes.toString("utf8", start);
  if (parseObject(line) !== null) return "\n";
  onWarning(
    `${path}: dropped a last line that was cut after ${bytes.length - start} bytes: ${excerpt(line)}`,
  );
  truncateSync(path, start);
  return "";
}

/** The object a line holds, or null. No proper prefix of an object is one, so a cut line never passes. */
function parseObject(line: string): Row | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

const excerpt = (line: string): string => JSON.stringify(line.length > 60 ? `${line.slice(0, 60)}...` : line);
