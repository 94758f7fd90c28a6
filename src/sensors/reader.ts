import type { Values } from "./sensor.js";

/** What a format makes of one line of a stream. */
export interface Reading {
  device: string | null;
  /** Wall clock as written, ms since 1970 in whatever zone; null where the line has none. */
  wallMs: number | null;
  /** Set where it is written to the second only. */
  wholeSeconds?: true;
  values: Values;
  /** Sentences about this reading, each under a key, by which it is told once only. */
  warnings: readonly Warning[];
}

export type Warning = readonly [key: string, sentence: string];

/** Reads a format line by line; remembers of the lines before only what the next ones need (header, power rule). */
export interface Reader {
  /** Null for a line that is no reading: a header, a banner, noise. Never throws. */
  read(line: string): Reading | null;
}
