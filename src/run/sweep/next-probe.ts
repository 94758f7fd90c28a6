/** What is known of where a setting runs out of memory, in tokens. */
export interface Bracket {
  /** Longest length that ran; null where none did. */
  readonly ran: number | null;
  /** Shortest length that ran out of memory. */
  readonly failed: number;
}

/** A length that ran, and what its process held then. */
export interface Held {
  readonly promptTokens: number;
  readonly bytes: number;
}

/** How much longer than the longest length that ran the shortest one that did not may be, relative to it. */
export const WITHIN = 0.02;

/**
 * The next length to try. Where memory is expected to run out at some length, one just under it, and just over what ran when
 * that is as near; else the middle of the logarithms, as the ends are to be near each other relative to their size; or half
 * of a length that failed while none ran. Null when both ends are within `within` of each other, or not even one token runs.
 */
export function nextProbe(
  { ran, failed }: Bracket,
  expected: number | null = null,
  within = WITHIN,
): number | null {
  if (ran === null) return failed > 1 ? Math.floor(failed / 2) : null;
  if (failed - ran <= Math.max(1, within * ran)) return null;
  const under = Math.min(Math.floor((expected ?? 0) * (1 - within / 2)), Math.ceil(failed / (1 + within)));
  const probe =
    expected === null ? Math.floor(Math.sqrt(ran * failed)) : Math.max(under, Math.floor(ran * (1 + within)));
  return Math.min(Math.max(probe, ran + 1), failed - 1);
}

/**
 * The length at which the line through the two longest lengths that ran reaches the budget: weights are constant, caches and
 * activations grow in proportion to the length. Null without two, or where memory did not grow.
 */
export function expectedLimit(held: readonly Held[], budgetBytes: number): number | null {
  const [a, b] = held.toSorted((one, other) => one.promptTokens - other.promptTokens).slice(-2);
  if (!a || !b || b.bytes <= a.bytes) return null;
  const bytesPerToken = (b.bytes - a.bytes) / (b.promptTokens - a.promptTokens);
  return b.promptTokens + (budgetBytes - b.bytes) / bytesPerToken;
}
