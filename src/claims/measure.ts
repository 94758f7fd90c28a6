import type { COLUMNS, ColumnName, Row } from "../record/index.js";

/** Columns of the row that hold one number. */
export type NumberColumn = {
  [K in ColumnName]: (typeof COLUMNS)[K]["type"] extends "number" ? K : never;
}[ColumnName];

/** How values at several lengths, or of several tasks, become one. */
export type Across = "lowest" | "highest" | "mean";

/** Which samples of which column; without a model, a length or a figure it is those of all. */
export interface Reading {
  readonly metric: NumberColumn;
  readonly model?: string;
  /** Length of the prompt. */
  readonly tokens?: number;
  /**
   * Lengths that it takes, from the first to the last. Both must be there, and between them no gap of more than a factor
   * of 4, or "every length" would be said of a few.
   */
  readonly span?: Span;
  /** Tasks that it takes: all of them must be there. */
  readonly tasks?: readonly string[];
  /** Other columns that must have these values, e.g. an operator class or a task. */
  readonly where?: Row;
  readonly across?: Across;
  /** Multiplies the metric, where the claim is in another unit: 1e-3 for s from ms. Default 1. */
  readonly scale?: number;
}

/** A range of values or of lengths; an open end is -Infinity or Infinity. */
export type Span = readonly [from: number, to: number];

/** What a claim is measured by: data, so that the paper's rows and a user's are read alike. */
export type Measure =
  | { readonly form: "value"; readonly of: Reading }
  | { readonly form: "ratio"; readonly of: Reading; readonly over: Reading }
  /** The highest ratio of two models' metric among the lengths that both have below this one. */
  | {
      readonly form: "highest-ratio";
      readonly of: Reading;
      readonly over: Reading;
      readonly below: number;
    }
  /** 100·of/whole, in %. */
  | { readonly form: "share"; readonly of: Reading; readonly whole: Reading }
  /** 100·(1 − of/from), in %. */
  | { readonly form: "reduction"; readonly of: Reading; readonly from: Reading }
  | { readonly form: "difference"; readonly of: Reading; readonly less: Reading }
  /** Lowest and highest over the lengths. */
  | { readonly form: "range"; readonly of: Reading }
  /** At the shortest and at the longest length. */
  | { readonly form: "growth"; readonly of: Reading }
  /** Units of the metric a token (Theil and Sen's median of the slopes between all pairs of lengths). */
  | { readonly form: "slope"; readonly of: Reading }
  /** Between which two lengths `beyond` becomes lower than `below`. */
  | {
      readonly form: "crossing";
      readonly metric: NumberColumn;
      readonly below: string;
      readonly beyond: string;
    }
  /** The longest prompt that all of these models run. */
  | { readonly form: "longest"; readonly models: readonly string[] }
  /** The longest prompt of one model over that of another. */
  | { readonly form: "longest-ratio"; readonly of: string; readonly over: string }
  /** What no other form says: computed from the rows it is handed, null where they do not carry it. */
  | {
      readonly form: "derived";
      /** What the rows give; null where they do not tell. */
      readonly from: (rows: readonly Row[]) => number | Span | Missing | null;
    };

/** What rows lack, as the object of "there is no …". */
export interface Missing {
  readonly missing: string;
}

/** The kind of a measure. */
export type Form = Measure["form"];

/** The value itself. */
export const value = (of: Reading): Measure => ({ form: "value", of });
/** From the lowest to the highest value. */
export const range = (of: Reading): Measure => ({ form: "range", of });
/** The value at the longest length over that at the shortest. */
export const growth = (of: Reading): Measure => ({ form: "growth", of });
/** The exponent of growth over the length, by logarithms. */
export const slope = (of: Reading): Measure => ({ form: "slope", of });
/** The longest prompt that models hold. */
export const longest = (...models: string[]): Measure => ({ form: "longest", models });
/** The longest prompt of one model over that of another. */
export const longestRatio = (of: string, over: string): Measure => ({ form: "longest-ratio", of, over });
/** Whatever a function makes of the rows. */
export const derived = (from: (rows: readonly Row[]) => number | Span | Missing | null): Measure => ({
  form: "derived",
  from,
});

/** A metric of one model over that of another, at one length: above 1, `of` has more. */
export function ratio(metric: NumberColumn, of: string, over: string, tokens?: number): Measure {
  return { form: "ratio", of: reading(metric, of, tokens), over: reading(metric, over, tokens) };
}

/** "Up to" so many times: the highest such ratio below a length. */
export function highestRatio(metric: NumberColumn, of: string, over: string, below: number): Measure {
  return { form: "highest-ratio", of: { metric, model: of }, over: { metric, model: over }, below };
}

/** What part of one metric another makes up, of the same model at the same length, in %. */
export function share(of: NumberColumn, whole: NumberColumn, model: string, tokens?: number): Measure {
  return { form: "share", of: reading(of, model, tokens), whole: reading(whole, model, tokens) };
}

/** By how much less one model has than another at one length, in %. */
export function reduction(metric: NumberColumn, of: string, from: string, tokens?: number): Measure {
  return { form: "reduction", of: reading(metric, of, tokens), from: reading(metric, from, tokens) };
}

/** Where one model, the lower one below, gives way to another. */
export function crossing(metric: NumberColumn, below: string, beyond: string): Measure {
  return { form: "crossing", metric, below, beyond };
}

const reading = (metric: NumberColumn, model: string, tokens?: number): Reading =>
  tokens === undefined ? { metric, model } : { metric, model, tokens };
