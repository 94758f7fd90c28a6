import type { Todo } from "../work.js";
import { hashOf, weightsKey } from "./setting.js";

/**
 * In which order samples are taken. `blocks`: every block takes each cell once, in an order of its own, so that what drifts
 * (temperature, clocks, other users) falls on all cells alike and shows between blocks. `sequential`: all of a cell, then the
 * next one's.
 */
export type Order = "blocks" | "sequential";

/** Who shares a process: nobody, or the cells of one model over one set of weights. */
export type Sharing = "cell" | "model";

/** What each process is to measure, one after the other. The same arguments give the same order on every machine. */
export function schedule(todo: readonly Todo[], order: Order, seed: number, sharing: Sharing): Todo[][] {
  if (order === "sequential") return batches(todo, sharing);
  const all = todo.flatMap(({ repeats, energyRepeats }) => [...repeats, ...energyRepeats]);
  const blocks = [...new Set(all)].sort((a, b) => a - b);
  return blocks.flatMap((block) => {
    const only = (repeats: readonly number[]): number[] => repeats.filter((repeat) => repeat === block);
    const mine = todo
      .map((one) => ({ ...one, block, repeats: only(one.repeats), energyRepeats: only(one.energyRepeats) }))
      .filter(({ repeats, energyRepeats }) => repeats.length + energyRepeats.length > 0);
    const cells = shuffle(mine, [seed, block], ({ cell }) => cell.key);
    return shuffle(
      batches(cells, sharing),
      [seed, block],
      ([first]) => weightsKey(first!.cell) + first!.cell.key,
    );
  });
}

function batches(todo: readonly Todo[], sharing: Sharing): Todo[][] {
  if (sharing === "cell") return todo.map((one) => [one]);
  const groups = new Map<string, Todo[]>();
  for (const one of todo) {
    const key = weightsKey(one.cell);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()];
}

/** Sorts by a hash of seed and name: of all orders any is as likely, and it does not depend on what else is to be sorted. */
function shuffle<T>(values: readonly T[], seed: readonly number[], name: (value: T) => string): T[] {
  return values
    .map((value) => ({ value, by: hashOf([...seed, name(value)]) }))
    .sort((a, b) => (a.by < b.by ? -1 : 1))
    .map(({ value }) => value);
}
