import type { ColumnTable } from "arquero";
import { UserError } from "../errors.js";
import { SERIES_COLUMNS, type Series } from "./columns.js";
import { intern } from "./intern.js";
import { allRows, columnValues } from "./rows.js";
import { seriesLabel } from "./series-label.js";

/** A series by its model, or by any columns that single it out: `{ model: "qwen2.5-0.5b", dtype: "fp16" }`. */
export type SeriesChoice = string | Series;

/** The columns that a choice names. */
export function chosen(choice: SeriesChoice | undefined): Series {
  if (typeof choice === "string") return { model: choice };
  if (typeof choice === "object")
    return choice.ep_options ? { ...choice, ep_options: intern(choice.ep_options) } : choice;
  // Callers without types may leave out a, b or the baseline.
  throw new UserError(
    `a series is chosen by ${String(choice)}: name its model, or values of columns such as { dtype: "fp16" }`,
  );
}

/** Rows that agree with every column of a choice. */
export function chosenRows(table: ColumnTable, choice: SeriesChoice): number[] {
  const columns = Object.entries(chosen(choice)).map(([name, value]) => ({
    values: columnValues(table, name),
    value,
  }));
  return allRows(table).filter((row) => columns.every(({ values, value }) => values[row] === value));
}

/** The one series meant; UserError with what there is if it is none or several. */
export function pickSeries<Item extends { series: Series }>(
  items: readonly Item[],
  choice: SeriesChoice,
): Item {
  const wanted = chosen(choice);
  const columns = SERIES_COLUMNS.filter((column) => wanted[column] !== undefined);
  const found = items.filter(({ series }) => columns.every((column) => series[column] === wanted[column]));
  const [one, ...more] = found;
  if (one && more.length === 0) return one;
  const words = columns.map((column) => `${column} ${String(wanted[column])}`).join(", ");
  if (!one) {
    const labels = new Set(items.map(({ series }) => seriesLabel(series)));
    throw new UserError(`no series has ${words}: there is ${[...labels].join(", ") || "none"}`);
  }
  const differing = SERIES_COLUMNS.flatMap((column) => {
    const values = new Set(found.map(({ series }) => series[column] ?? "none"));
    return values.size > 1 ? [`${column} (${[...values].map(String).join(", ")})`] : [];
  });
  throw new UserError(
    `${found.length} series have ${words}, different in ${differing.join(" and ")}: ` +
      `a comparison needs one, so filter the table or name more columns`,
  );
}
