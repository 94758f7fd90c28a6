/** What is known of where a setting runs out of memory, in tokens. */
export interface Bracket {
  /** Longest length that ran; null where none did. */
  readonly ran: number | null;
  /** Shortest length that ran out of memory. */
  readonly failed: number;
}

/** How much longer than the longest length that ran the shortest one that did not may be, relative to it. */
export const WITHIN = 0.02;

/**
 * The next length to try: the middle, or half of a length that failed while none ran. Null when both ends are within
 * `within` of each other, or not even one token runs.
 */
export function nextProbe({ ran, failed }: Bracket, within = WITHIN): number | null {
  if (ran === null) return failed > 1 ? Math.floor(failed / 2) : null;
  const middle = Math.floor((ran + failed) / 2);
  return middle === ran || failed - ran <= within * ran ? null : middle;
}
