import { UserError } from "../errors.js";
import { SERIES_COLUMNS, type Series } from "./columns.js";
import { seriesLabel } from "./series-label.js";

/** A series by its model, or by any columns that single it out: `{ model: "qwen2.5-0.5b", dtype: "fp16" }`. */
export type SeriesChoice = string | Series;

/** The columns that a choice names. */
export const chosen = (choice: SeriesChoice): Series =>
  typeof choice === "string" ? { model: choice } : choice;

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
  const words = columns.map((column) => `${column} ${wanted[column]!}`).join(", ");
  if (!one)
    throw new UserError(
      `no series has ${words}: there is ${[...new Set(items.map(({ series }) => seriesLabel(series)))].join(", ")}`,
    );
  const differing = SERIES_COLUMNS.filter(
    (column) => new Set(found.map(({ series }) => series[column])).size > 1,
  );
  const values = differing.map(
    (column) => `${column} ${[...new Set(found.map(({ series }) => series[column] ?? "none"))].join(", ")}`,
  );
  throw new UserError(
    `${found.length} series have ${words}, different in ${values.join(" and ")}: filter to one or name its ${differing[0] ?? "columns"}`,
  );
}
