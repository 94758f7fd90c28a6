import type { AnyCell } from "./plan.js";

/** A cell and the indices of its samples that are still to be taken. */
export interface Todo {
  readonly cell: AnyCell;
  readonly repeats: readonly number[];
  /** The same of its energy. */
  readonly energyRepeats: readonly number[];
  /** Which block of the order takes them; absent where the order has none. */
  readonly block?: number;
}

/** Parts of a generation whose energy is measured, each by itself. One token is made without decoding. */
export const energyPhases = ({ newTokens }: Pick<AnyCell, "newTokens">) =>
  newTokens > 1 ? (["prefill", "decode", "both"] as const) : (["prefill"] as const);

/** Rows of a cell that goes well. */
export const rowsOf = ({ cell, repeats, energyRepeats }: Todo): number =>
  repeats.length + energyRepeats.length * energyPhases(cell).length;

/** A cell as progress lines and errors name it. */
export const cellName = ({ model, promptTokens }: AnyCell): string => `${model.name}, ${promptTokens} tokens`;

/** Warm-up runs that a cell is expected to need, for the time left. */
const EXPECTED_WARM_UP = 2;

/** How long a generation takes in units of a prompt token: a decoded token is some ten times as slow on a CPU. */
export const generationWork = ({ promptTokens, newTokens }: AnyCell): number => promptTokens + 10 * newTokens;

export const warmUpWork = (cell: AnyCell): number => EXPECTED_WARM_UP * generationWork(cell);

export const totalWork = (todo: readonly Todo[]): number =>
  todo.reduce((sum, { cell, repeats }) => sum + warmUpWork(cell) + repeats.length * generationWork(cell), 0);
