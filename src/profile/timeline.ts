/** A stretch of time that something took, in us. */
export interface Stretch<Key> {
  readonly from: number;
  readonly to: number;
  readonly key: Key;
}

/**
 * The time of each key between two moments, no moment counted twice: where stretches overlap, as kernels of two streams do, the one
 * that began first counts. The sum is the time in which there was any, so what is left to the whole is a gap.
 */
export function timeOfEach<Key>(
  stretches: readonly Stretch<Key>[],
  [begin, end]: readonly [number, number],
): Map<Key, number> {
  const times = new Map<Key, number>();
  let covered = begin;
  for (const { from, to, key } of [...stretches].sort((a, b) => a.from - b.from)) {
    const [start, stop] = [Math.max(from, covered), Math.min(to, end)];
    if (stop <= start) continue;
    times.set(key, (times.get(key) ?? 0) + stop - start);
    covered = stop;
  }
  return times;
}
