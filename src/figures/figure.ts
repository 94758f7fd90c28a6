/** JSON, so that a specification can be stored, compared and sent without knowing Vega-Lite's types. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
/** An object of JSON. */
export interface JsonObject {
  readonly [key: string]: Json;
}

/** A Vega-Lite 6 specification. Vega-Lite's own types would reach a notebook cell as `any`. */
export type VegaLiteSpec = JsonObject;

/** A picture not yet drawn. `name` is the stem of its file and unique within a page, `caption` plain text. */
export interface Figure {
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  readonly spec: VegaLiteSpec;
}

/** `wide` is for a page or a paper; `narrow` stacks or shrinks panels so that a phone shows text at full size. */
export type Layout = "wide" | "narrow";

/**
 * `faithful`: as the paper drew it, with its axes, units and order. `improved`: true lengths, intervals, marks where a
 * model ran out of memory or where two meet, one palette that every reader can tell apart.
 */
export type FigureForm = "faithful" | "improved";
