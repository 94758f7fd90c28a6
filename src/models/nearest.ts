import { distance } from "fastest-levenshtein";

/** The `count` names most like `name`, nearest first. */
export function closest(name: string, names: readonly string[], count: number): string[] {
  const apart = (other: string): number => distance(name.toLowerCase(), other.toLowerCase());
  return [...names].sort((a, b) => apart(a) - apart(b)).slice(0, count);
}
