import type { FrameLike } from "../record/index.js";

/** Rows as a list, as a table that gives them as objects, or as a danfo.js DataFrame. */
export type Listed<T> =
  | readonly T[]
  | {
      /** The rows. */ objects: () => object[];
    }
  | FrameLike;

export function listed<T>(given: Listed<T>): readonly T[] {
  if ("objects" in given) return given.objects() as T[];
  return "columns" in given ? (recordsOf(given) as T[]) : given;
}

/** danfo has NaN where a number is missing. */
const recordsOf = ({ columns, values }: FrameLike): object[] =>
  (values as unknown[][]).map((cells) =>
    Object.fromEntries(columns.map((name, i) => [name, Number.isNaN(cells[i]) ? null : cells[i]])),
  );
