import { splitCsv } from "../../src/record/split-csv.js";

/** A record of a reference CSV by column name, as text: its digits are kept until the unit is settled. */
export type Published = Record<string, string>;

export function publishedCells(csv: string, file: string): Published[] {
  const [header, ...records] = splitCsv(csv, file);
  return records.map(({ cells }) => Object.fromEntries(header!.cells.map((name, i) => [name, cells[i]!])));
}

export const text = (cell: string | undefined): string | null => cell || null;

/** The number a cell holds, times 10^exponent: the decimal point is moved in the text, so no digit is lost. */
export function scaled(cell: string | undefined, exponent: number): number | null {
  if (!cell) return null;
  const value = Number(exponent === 0 ? cell : `${cell}e${exponent}`);
  if (!Number.isFinite(value)) throw new TypeError(`${cell} is not a plain decimal number`);
  return value;
}

export const number = (cell: string | undefined): number | null => scaled(cell, 0);

/** MiB to bytes. A power of two, so exact: the fraction of a byte only says that the source has two decimals. */
export const mebibytes = (cell: string | undefined): number | null => {
  const value = number(cell);
  return value === null ? null : value * 2 ** 20;
};
