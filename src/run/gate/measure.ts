import { compareLogits, summarizeDifferences, type Check, type Difference } from "./compare.js";
import type { Tolerance } from "./tolerances.js";

/** What the gate asks of a model: the real one is `Generator`. */
export interface Answers extends Disposable {
  /** Gives the token that the prompt ends in. */
  prefill(prompt: BigInt64Array, signal?: AbortSignal): Promise<readonly bigint[]>;
  /** Feeds these tokens, or its own last ones, and gives the next. */
  step(tokens?: readonly bigint[]): Promise<readonly bigint[]>;
  /** The newest logits. */
  readonly logits: Float32Array | undefined;
}

/** What the reference answered to one prompt. */
export interface ReferenceRun {
  readonly prompt: BigInt64Array;
  /** Tokens fed after the prompt. */
  readonly fed: readonly bigint[];
  /** Logits after the prompt and after each token fed. */
  readonly logits: readonly Float32Array[];
}

/**
 * Puts the prompt to the reference and decodes `decoded` tokens after it: those of `text`, or, where there is none, the
 * ones it picks itself.
 */
export async function askReference(
  answers: Answers,
  prompt: BigInt64Array,
  decoded: number,
  text: BigInt64Array | null,
  signal?: AbortSignal,
): Promise<ReferenceRun> {
  const logits: Float32Array[] = [];
  const fed: bigint[] = [];
  let [picked] = await answers.prefill(prompt, signal);
  logits.push(copyOfLogits(answers));
  while (fed.length < decoded) {
    signal?.throwIfAborted();
    const next = text ? text[fed.length]! : picked!;
    [picked] = await answers.step([next]);
    fed.push(next);
    logits.push(copyOfLogits(answers));
  }
  return { prompt, fed, logits };
}

/**
 * Puts the same prompt and tokens to a candidate. As long as it picks the token that comes next it feeds itself, so
 * that what it leaves on the device for the next step is under test too.
 */
export async function askCandidate(
  answers: Answers,
  { prompt, fed, logits }: ReferenceRun,
  decoded: number,
  signal?: AbortSignal,
): Promise<Difference[]> {
  const differences: Difference[] = [];
  const compare = (picked: bigint): void => {
    differences.push(compareLogits(logits[differences.length]!, logitsOf(answers), picked));
  };
  let picked = (await answers.prefill(prompt, signal))[0]!;
  compare(picked);
  for (const next of fed.slice(0, decoded)) {
    signal?.throwIfAborted();
    picked = (await answers.step(picked === next ? undefined : [next]))[0]!;
    compare(picked);
  }
  return differences;
}

/** The two checks of one prompt: what it gave, and what was decoded after it. */
export function checksOf(
  differences: readonly Difference[],
  where: Pick<Check, "promptTokens" | "segmentTokens">,
  tolerance: Tolerance,
): Check[] {
  const check = (phase: Check["phase"], part: readonly Difference[]): Check =>
    summarizeDifferences({ phase, ...where }, part, tolerance);
  const [first, ...rest] = differences;
  return [check("prefill", [first!]), check("decode", rest)];
}

function logitsOf({ logits }: Answers): Float32Array {
  if (!logits) throw new TypeError("the gate needs a generator that keeps its logits");
  return logits;
}

/** Generators write every step's logits to the same memory. */
const copyOfLogits = (answers: Answers): Float32Array => logitsOf(answers).slice();
