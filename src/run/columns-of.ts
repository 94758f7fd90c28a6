import type { Row } from "../record/index.js";
import { cellColumns } from "./rows.js";
import type { Todo } from "./work.js";

/** Columns that every row of a cell has, whether it was measured or could not be. */
export function columnsOf({ cell, block }: Pick<Todo, "cell" | "block">, common: Row): Row {
  return { ...cellColumns(cell), block: block ?? null, device: common.cpu_model ?? "cpu", ...common };
}
