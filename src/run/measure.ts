import { median } from "../stats/index.js";

/** What `measure` needs of a model: the real one is `Generator`. */
export interface Generates {
  prefill(prompt: BigInt64Array, signal?: AbortSignal): Promise<unknown>;
  step(): Promise<unknown>;
}

/** Milliseconds on a monotonic clock; an argument so that tests can hold it. */
export type Clock = () => number;

export const performanceClock: Clock = () => performance.now();

/** Times of one generation, in milliseconds. */
export interface Sample {
  /** Prompt on the host to first token id on the host. */
  readonly ttftMs: number;
  /** Time of each token after the first. */
  readonly itlMs: readonly number[];
  readonly e2eMs: number;
}

/** One generation of `newTokens` tokens, timed at every token. */
export async function sample(
  model: Generates,
  prompt: BigInt64Array,
  newTokens: number,
  clock: Clock,
  signal?: AbortSignal,
): Promise<Sample> {
  signal?.throwIfAborted();
  const start = clock();
  await model.prefill(prompt, signal);
  const first = clock();
  const itlMs: number[] = [];
  for (let token = 1, before = first; token < newTokens; token++) {
    signal?.throwIfAborted();
    await model.step();
    const now = clock();
    itlMs.push(now - before);
    before = now;
  }
  return { ttftMs: first - start, itlMs, e2eMs: first - start + itlMs.reduce((sum, ms) => sum + ms, 0) };
}

export interface WarmUp {
  readonly runs: number;
  /** Whether the last two runs, or medians of blocks of runs, agreed within the tolerance. */
  readonly stable: boolean;
}

export interface WarmUpOptions {
  /** Relative difference of two successive TTFTs that counts as stable. */
  readonly tolerance: number;
  readonly maxRuns: number;
  /** Runs whose median TTFT is compared with the next ones': more than one where single runs scatter. Default 1. */
  readonly blockRuns?: number;
  /** It goes on for this long at least: the clocks of an idle GPU take their time to rise. Default 0. */
  readonly minMs?: number;
}

/** A few decode steps warm the decode session; its shape does not depend on how many follow. */
const WARM_UP_TOKENS = 4;
/** Of many runs this share is compared with the same share before it: of hundreds, the last two say little. */
const COMPARED_SHARE = 1 / 4;

/**
 * Runs at full shape until two successive times to first token agree, or the medians of two successive blocks of them. The last
 * one is finished: what a GPU did before a prompt decides its clocks, and before every sample but the first it has decoded.
 */
export async function warmUp(
  model: Generates,
  prompt: BigInt64Array,
  newTokens: number,
  clock: Clock,
  { tolerance, maxRuns, blockRuns = 1, minMs = 0 }: WarmUpOptions,
  signal?: AbortSignal,
): Promise<WarmUp> {
  const start = clock();
  const ttfts: number[] = [];
  let stable: boolean;
  do {
    const { ttftMs } = await sample(model, prompt, Math.min(newTokens, WARM_UP_TOKENS), clock, signal);
    ttfts.push(ttftMs);
    const size = Math.max(blockRuns, Math.floor(ttfts.length * COMPARED_SHARE));
    stable = ttfts.length >= 2 * size && agree(ttfts.slice(-2 * size, -size), ttfts.slice(-size), tolerance);
  } while (!(stable || ttfts.length >= maxRuns) || clock() - start < minMs);
  for (let token = WARM_UP_TOKENS; token < newTokens; token++) {
    signal?.throwIfAborted();
    await model.step();
  }
  return { runs: ttfts.length, stable };
}

function agree(before: readonly number[], now: readonly number[], tolerance: number): boolean {
  const expected = median(before);
  return Math.abs(median(now) - expected) <= tolerance * expected;
}
