import type { Reading } from "./reader.js";

/**
 * Gives readings whose stamps are whole seconds a time of their own: those of one second are spread evenly over it, as they
 * were taken at one pace. Left at one time, all but the last of a second would count for nothing in an integral. The second
 * in which a recording begins or ends is cut: its readings keep the pace of the one beside it, at that one's side. Where in
 * its second a reading truly fell remains unknown: it is off by less than a second.
 *
 * Readings wait until the second after theirs is over. Those with finer stamps, or none, pass as they are.
 */
export async function* spreadSeconds<R extends Reading>(readings: AsyncIterable<R>): AsyncGenerator<R, void> {
  let before: readonly R[] | null = null;
  let held: readonly R[] | null = null;
  for await (const group of bySecond(readings)) {
    if (held) yield* spread(held, before, group);
    before = held;
    held = group[0]!.wholeSeconds ? group : null;
    if (held === null) yield* group;
  }
  if (held) yield* spread(held, before, null);
}

/** Readings with one stamp, one after the other. */
async function* bySecond<R extends Reading>(readings: AsyncIterable<R>): AsyncGenerator<R[], void> {
  let group: R[] = [];
  for await (const reading of readings) {
    if (group.length > 0 && reading.wallMs !== group[0]!.wallMs) {
      yield group;
      group = [];
    }
    if (reading.wholeSeconds) group.push(reading);
    else yield [reading];
  }
  if (group.length > 0) yield group;
}

function spread<R extends Reading>(
  group: readonly R[],
  before: readonly R[] | null,
  after: readonly R[] | null,
): R[] {
  const beside = before === null ? after : after === null ? before : null;
  const pace = Math.max(group.length, beside?.length ?? 0);
  const missing = before === null ? pace - group.length : 0;
  return group.map((reading, i) => ({
    ...reading,
    wallMs: reading.wallMs! + (1000 * (missing + i)) / pace,
  }));
}
