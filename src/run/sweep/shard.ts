import { UserError } from "../../errors.js";
import type { AnyCell } from "../plan.js";
import { hashOf, settingKey } from "./setting.js";

/** One of several parts of a sweep, each measured by a process or machine of its own. */
export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/** A shard as people write it, from 1: 2/4. */
export function parseShard(text: string): Shard {
  const [, index, count] = /^(\d+)\/(\d+)$/.exec(text.trim()) ?? [];
  const shard = { index: Number(index) - 1, count: Number(count) };
  if (shard.index >= 0 && shard.index < shard.count) return shard;
  throw new UserError(`the shard is "${text}"; it must be i/n with i from 1 to n, e.g. 2/4`);
}

/** The folder of a shard's rows, below that of the campaign. */
export const shardFolder = ({ index, count }: Shard): string => `shard-${index + 1}-of-${count}`;

/**
 * The cells of a shard: all shards of a plan have each of its cells once, and numbers of cells that differ by one at most.
 * Which ones depends on the place in the plan alone, not on what a machine decides about them (operators that are built
 * there); the places are shuffled, as every n-th cell of a grid may be of the longest prompts.
 *
 * @param together cells of one setting stay in one shard, which a search of their limit needs
 */
export function shardOf<C extends AnyCell>(
  cells: readonly C[],
  { index, count }: Shard,
  together: boolean,
): C[] {
  const unitOf = (cell: C): string => (together ? settingKey(cell) : cell.key);
  const places = [...new Set(cells.map(unitOf))].map((unit, place) => ({ unit, by: hashOf(place) }));
  places.sort((a, b) => (a.by < b.by ? -1 : 1));
  const mine = new Set(places.filter((_, dealt) => dealt % count === index).map(({ unit }) => unit));
  return cells.filter((cell) => mine.has(unitOf(cell)));
}
