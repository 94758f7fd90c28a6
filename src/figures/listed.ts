/** Rows as a list, or as a table that gives them as objects. */
export type Listed<T> =
  | readonly T[]
  | {
      /** The rows. */ objects: () => object[];
    };

export const listed = <T>(given: Listed<T>): readonly T[] =>
  "objects" in given ? (given.objects() as T[]) : given;
