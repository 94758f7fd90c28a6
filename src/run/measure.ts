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
  /** Whether the last two runs agreed within the tolerance. */
  readonly stable: boolean;
}

export interface WarmUpOptions {
  /** Relative difference of two successive TTFTs that counts as stable. */
  readonly tolerance: number;
  readonly maxRuns: number;
  /** It goes on for this long at least: the clocks of an idle GPU take their time to rise. Default 0. */
  readonly minMs?: number;
}

/** A few decode steps warm the decode session; its shape does not depend on how many follow. */
const WARM_UP_TOKENS = 4;

/** Runs at full shape until two successive times to first token agree. */
export async function warmUp(
  model: Generates,
  prompt: BigInt64Array,
  newTokens: number,
  clock: Clock,
  { tolerance, maxRuns, minMs = 0 }: WarmUpOptions,
  signal?: AbortSignal,
): Promise<WarmUp> {
  const start = clock();
  let before: number | undefined;
  for (let runs = 1; ; runs++) {
    const { ttftMs } = await sample(model, prompt, Math.min(newTokens, WARM_UP_TOKENS), clock, signal);
    const stable = before !== undefined && Math.abs(ttftMs - before) <= tolerance * before;
    if ((stable || runs >= maxRuns) && clock() - start >= minMs) return { runs, stable };
    before = ttftMs;
  }
}
