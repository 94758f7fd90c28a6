import { listed, type Listed } from "./listed.js";
import type { Row } from "../record/schema.js";

/** What a figure can show on its y axis: a column of the row schema that holds one number. */
export type Metric = "ttft_ms" | "tpot_ms" | "e2e_ms" | "energy_j" | "total_bytes" | "overall_tokens_per_s";

/** What memory goes to; the states are of one set, of which a model holds two. */
export type MemoryPart =
  | "weights_bytes"
  | "table_bytes"
  | "kv_cache_bytes"
  | "ssm_state_bytes"
  | "conv_state_bytes"
  | "peak_activation_bytes";

/** Settings a figure states in its caption, in the order in which it states them. */
export const SETTINGS = [
  "device",
  "ep",
  "dtype",
  "quant_block",
  "quant_compute",
  "batch",
  "new_tokens",
  "prefill",
  "segment_tokens",
  "logits",
  "lowering",
  "threads",
  "weights",
  "warmup_runs",
] as const satisfies readonly (keyof Row)[];

export type Setting = (typeof SETTINGS)[number];

/**
 * One bar or dot: one model at one prompt length under one setting, e.g. a row of `summarize(table).objects()`. The
 * median stands under the metric's own name, its 95 % interval under `<metric>_lo` and `<metric>_hi` (absent or null:
 * none is drawn), the samples behind it under `<metric>_n`. All other columns are those of the row schema. A figure
 * never computes a median or an interval. To compare series of one model, give each its own name in `model`.
 */
export type Point = {
  model: string;
  prompt_tokens: number;
} & { [M in Metric | `${Metric}_lo` | `${Metric}_hi` | `${Metric}_n` | MemoryPart]?: number | null } & Pick<
    Row,
    Setting | "kind" | "phase" | "family" | "status" | "verdict" | "memory_limit_bytes"
  >;

/** A row of a kind that has no prompt length of its own, as it is: accuracy, limit, operators. */
export type Fact = Row & { kind: "accuracy" | "limit" | "operators" };

/**
 * Points and facts as a list, or as a table that gives its rows as objects: `summarize(rows)` as it is, or
 * `figurePoints(rows)`, which keeps the facts.
 */
export type Points = Listed<Point | Fact>;

const FACTS: readonly (string | null | undefined)[] = ["accuracy", "limit", "operators"];
const isFact = (row: Point | Fact): row is Fact => FACTS.includes(row.kind);

export const asPoints = (points: Points): readonly Point[] =>
  listed(points).filter((row): row is Point => !isFact(row));

/** The rows of one of the kinds that are not points. */
export const factsOf = (points: Points, kind: Fact["kind"]): Row[] =>
  listed(points).filter((row) => isFact(row) && row.kind === kind);

/** A cell whose energy was measured too has points of its own for that, which have no time and no memory. */
export const isNotEnergy = ({ kind }: Point): boolean => kind !== "energy";

export const isOk = ({ status }: Point): boolean => status == null || status === "ok";

export const isDoubtful = ({ verdict }: Point): boolean => verdict != null && verdict !== "ok";

/** A finite number, or null: what is not measured is not drawn as zero. */
export const finite = (value: number | null | undefined): number | null =>
  typeof value === "number" && Number.isFinite(value) ? value : null;

/** Distinct values in order of first appearance, absent ones left out. */
export function distinct<T>(values: Iterable<T | null | undefined>): T[] {
  const found = new Set<T>();
  for (const value of values) if (value !== null && value !== undefined) found.add(value);
  return [...found];
}

/** Prompt lengths, ascending, at which every one of the models has a point. */
export function commonLengths(points: readonly Point[], models: readonly string[]): number[] {
  const lengths = distinct(points.map((point) => point.prompt_tokens));
  return lengths
    .filter((length) =>
      models.every((model) =>
        points.some((point) => point.model === model && point.prompt_tokens === length),
      ),
    )
    .sort((a, b) => a - b);
}
