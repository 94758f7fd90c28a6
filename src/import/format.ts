import type { Row } from "../record/index.js";

/** A foreign format: text in, rows out. */
export interface Format {
  readonly name: string;
  /** Whether a file is of this format, by its content; the path tells files of one content apart. */
  readonly detect: (text: string, path: string) => boolean;
  /** Rows without what they have in common with other formats: cell, campaign, source. Throws `UserError` with the place. */
  readonly parse: (text: string, path: string) => Row[];
  /** Columns that the format does not hold and its rows mean nothing without. */
  readonly needs?: readonly (keyof Row)[];
}
