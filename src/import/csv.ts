import { UserError } from "../errors.js";
import { splitCsv } from "../record/split-csv.js";
import { Fields } from "./fields.js";

/** The records of a CSV file by its header. Throws `UserError` with file and line; the place of a value is its line and column. */
export function csvRecords(text: string, file: string): Fields[] {
  const [header, ...records] = splitCsv(text, file);
  const names = header?.cells ?? [];
  return records.map(({ cells, line }) => {
    if (cells.length !== names.length)
      throw new UserError(
        `${file} line ${line} column ${Math.min(cells.length, names.length) + 1}: ${cells.length} cells where the header has ${names.length}.`,
      );
    const values = Object.fromEntries(names.map((name, i) => [name, cells[i]]));
    return new Fields(values, (name) =>
      name === null || !names.includes(name)
        ? `${file} line ${line}`
        : `${file} line ${line} column ${names.indexOf(name) + 1}`,
    );
  });
}

/** The names in the first line of a CSV text; those of no CSV are odd, and match nothing. */
export function csvHeader(text: string): string[] {
  const firstLine = text.slice(0, text.search(/\r|\n|$/));
  try {
    return splitCsv(firstLine, "")[0]?.cells ?? [];
  } catch {
    return [];
  }
}
