import { UserError } from "../errors.js";
import { COLUMNS, type ColumnName } from "../record/schema.js";
import { CELL_COLUMNS } from "./columns.js";
import { chosen, type SeriesChoice } from "./pick-series.js";
import {
  columnValues,
  groupRows,
  inWords,
  measuredRows,
  metricValues,
  presentColumns,
  tableOf,
  type Rows,
} from "./rows.js";

/** What is asked of a model, as against how it is expressed and run: samples are compared that agree in these. */
const ASKED = [
  "kind",
  "device",
  "phase",
  "batch",
  "prompt",
  "new_tokens",
  "logits",
  "prompt_tokens",
] as const;

/** Samples of one metric that agree in every column of CELL_COLUMNS. */
export interface Cell {
  key: Readonly<Record<string, unknown>>;
  samples: number[];
  /** Of each sample the block of the sweep it was taken in; null where rows do not say it. */
  blocks: unknown[];
}

/** The cells of a table that have the metric. UserError if there is none, or the metric is no column of numbers. */
export function cellsOf(given: Rows, metric: ColumnName, by: readonly ColumnName[] = CELL_COLUMNS): Cell[] {
  if (!Object.hasOwn(COLUMNS, metric) || COLUMNS[metric].type !== "number")
    throw new UserError(`metric is ${metric}: it must be a column of numbers, such as ttft_ms`);
  const table = tableOf(given);
  const rows = measuredRows(table, metric);
  const blocks = columnValues(table, "block");
  return groupRows(table, presentColumns(table, by), rows).map((group) => ({
    key: group.key,
    samples: metricValues(table, metric, group.rows) as number[],
    blocks: group.rows.map((row) => blocks[row] ?? null),
  }));
}

/** The cells that are meant; UserError that lists what there is if none is. */
export function selectCells(cells: readonly Cell[], choice: SeriesChoice): Cell[] {
  const wanted = chosen(choice);
  const found = cells.filter(({ key }) =>
    Object.entries(wanted).every(([name, value]) => (key[name] ?? null) === value),
  );
  if (found.length > 0) return found;
  const names = Object.keys(wanted);
  const there = new Set(cells.map(({ key }) => names.map((name) => inWords(key[name] ?? null)).join(", ")));
  const asked = Object.entries(wanted).map(([name, value]) => `${name} ${inWords(value)}`);
  throw new UserError(`no row has ${asked.join(" and ")}: the rows have ${[...there].join("; ")}`);
}

/**
 * Columns in which compared cells must agree: ASKED, and the model where the choices do not name one, without what the
 * choices name or the caller leaves open.
 */
export function pairColumns(
  choices: readonly SeriesChoice[],
  open: readonly ColumnName[] = [],
): ColumnName[] {
  const named = choices.flatMap((choice) => Object.keys(chosen(choice)));
  return (["model", ...ASKED] as const).filter((name) => !named.includes(name) && !open.includes(name));
}

/** The values of some columns as one key. */
export function keyOf({ key }: Cell, columns: readonly string[]): string {
  return JSON.stringify(columns.map((name) => key[name] ?? null));
}

/** The one cell among these; UserError that names the columns in which several differ. */
export function onlyCell(cells: readonly Cell[], what: SeriesChoice): Cell {
  const [first, ...more] = cells;
  if (first && more.length === 0) return first;
  const differing = CELL_COLUMNS.filter((name) => new Set(cells.map(({ key }) => key[name])).size > 1);
  throw new UserError(
    `${inWords(what)} names ${cells.length} cells at ${inWords(first?.key["prompt_tokens"])} tokens, which differ in ` +
      `${differing.join(", ")}: name one, such as ${inWords({ ...chosen(what), [differing[0]!]: first?.key[differing[0]!] })}`,
  );
}

/** What is meant, in words: the model, then the other values. */
export function choiceLabel(choice: SeriesChoice): string {
  const { model, ...others } = chosen(choice);
  const values = Object.entries(others).map(([name, value]) =>
    typeof value === "string" ? value : `${name} ${inWords(value)}`,
  );
  return [model ?? [], values.join(", ") || []].flat().join(", ");
}
