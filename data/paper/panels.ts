import type { Row } from "../../src/record/schema.js";

type Panels = (row: Row) => string[];

const byModel: Panels = ({ hf_id }) => [hf_id?.split("/")[1] ?? ""];

/** Panels of the figures that have several; a figure of one panel is left out. */
const PANELS: Record<string, Panels> = {
  1: ({ prompt_tokens }) => [`TTFT, ${prompt_tokens} in`, `TPOT, ${prompt_tokens} in`],
  3: ({ kind }) => [kind === "accuracy" ? "accuracy bars" : "TTFT line"],
  7: byModel,
  8: byModel,
  "9a": byModel,
  "9b": ({ family }) => [{ transformer: "Transformer", ssm: "SSM", hybrid: "Hybrid" }[family!] ?? ""],
};

/** Where a row stands in its figures, as `figure: panel`; null when none of them has panels. */
export function panels(row: Row): string[] | null {
  const figures = row.figure?.split(" ") ?? [];
  const found = figures.flatMap((figure) =>
    (PANELS[figure]?.(row) ?? []).map((panel) => `${figure}: ${panel}`),
  );
  return found.length > 0 ? found : null;
}
