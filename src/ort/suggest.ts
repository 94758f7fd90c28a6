/** All names when they are few, else the three nearest to the wrong one: what an error says instead of just "no". */
export function suggest(wrong: string, names: readonly string[]): string {
  const quoted = (list: readonly string[]): string => list.map((name) => `"${name}"`).join(", ");
  if (names.length === 0) return "there are none";
  if (names.length <= 8) return `there are ${quoted(names)}`;
  const nearest = names
    .map((name) => ({ name, distance: editDistance(wrong, name) }))
    .sort((a, b) => a.distance - b.distance)
    .slice(0, 3)
    .map(({ name }) => name);
  return `of ${names.length} names the nearest are ${quoted(nearest)}`;
}

/** Levenshtein distance: insertions, deletions and substitutions of one character. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(previous[j]! + 1, current[j - 1]! + 1, substitution));
    }
    previous = current;
  }
  return previous[b.length]!;
}
