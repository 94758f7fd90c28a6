import type { Json, JsonObject } from "../../src/figures/figure.js";

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Every object inside a specification, outermost first. */
export function* objectsIn(value: Json): Generator<JsonObject> {
  if (Array.isArray(value)) for (const item of value as readonly Json[]) yield* objectsIn(item);
  else if (isObject(value)) {
    yield value;
    for (const inner of Object.values(value)) yield* objectsIn(inner);
  }
}

/** The rows drawn, of all layers, that have the named field. */
export const rowsWith = (spec: JsonObject, field: string): JsonObject[] =>
  [...objectsIn(spec)]
    .flatMap(({ values }) => (Array.isArray(values) ? (values as readonly Json[]) : []))
    .filter((row): row is JsonObject => isObject(row) && field in row);

/** What the panels of Figure 1 say under their titles, in drawing order. */
export const findings = (spec: JsonObject): string[] =>
  (spec.concat as readonly { title: { subtitle: readonly string[] } }[]).map(({ title }) =>
    title.subtitle.filter((line) => line !== "\u200b").join(" "),
  );

/** The titles of the panels. */
export const panelTitles = (spec: JsonObject): string[] =>
  (spec.concat as readonly { title: { text: string } }[]).map(({ title }) => title.text);
