import { UserError } from "../errors.js";

/** The cells of one record and the line it begins on, from 1. */
export interface CsvRecord {
  cells: string[];
  line: number;
}

/** One cell and what ends it: a quoted cell (1), else a bare one (2); then a comma, a line's end, or the text's. */
const CELL = /(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r\n?|\n|$)/y;

/** Splits CSV text into records with the line each begins on. A record of one empty cell is a blank line. */
export function splitCsv(text: string, file: string): CsvRecord[] {
  const records: CsvRecord[] = [];
  let line = 1;
  let record: CsvRecord = { cells: [], line };
  for (CELL.lastIndex = text.startsWith("\uFEFF") ? 1 : 0; CELL.lastIndex < text.length;) {
    const cell = CELL.exec(text);
    if (!cell) throw new UserError(`${file} line ${line}: a quote (") is not closed or not doubled.`);
    const [whole, inQuotes, bare, end] = cell;
    record.cells.push(inQuotes?.replaceAll('""', '"') ?? bare!);
    line += whole.split(/\r\n?|\n/).length - 1;
    if (end !== "," || CELL.lastIndex === text.length) {
      if (end === ",") record.cells.push("");
      if (record.cells.length > 1 || record.cells[0] !== "") records.push(record);
      record = { cells: [], line };
    }
  }
  return records;
}
