import type { Tolerance } from "./tolerances.js";

/** How far a candidate's logits at one position are from the reference's. */
export interface Difference {
  readonly maxAbs: number;
  readonly meanAbs: number;
  /** Largest |logit| of the reference. */
  readonly scale: number;
  /** How far the reference's best logit is above its second. */
  readonly margin: number;
  /** Whether both have their largest logit at the same token. */
  readonly agrees: boolean;
  /** Whether the token the candidate went on with has its largest logit; float16 may have several such. */
  readonly pickedLargest: boolean;
}

/** Compares the logits of one position; a candidate's logit that is no number is infinitely wrong. */
export function compareLogits(reference: Float32Array, candidate: Float32Array, picked: bigint): Difference {
  if (candidate.length !== reference.length)
    throw new RangeError(`${candidate.length} logits cannot be compared with ${reference.length}`);
  let scale = 0;
  let maxAbs = 0;
  let sumAbs = 0;
  let best = 0;
  let second = -Infinity;
  let mine = 0;
  for (let i = 0; i < reference.length; i++) {
    const expected = reference[i]!;
    const actual = candidate[i]!;
    const error = Number.isFinite(actual) ? Math.abs(actual - expected) : Infinity;
    scale = Math.max(scale, Math.abs(expected));
    maxAbs = Math.max(maxAbs, error);
    sumAbs += error;
    if (actual > candidate[mine]!) mine = i;
    if (i > 0 && expected > reference[best]!) {
      second = reference[best]!;
      best = i;
    } else if (i > 0 && expected > second) second = expected;
  }
  if (!Number.isFinite(scale)) throw new RangeError("the reference's logits are not finite");
  return {
    maxAbs,
    meanAbs: sumAbs / reference.length,
    scale,
    margin: reference[best]! - second,
    agrees: mine === best,
    pickedLargest: candidate[Number(picked)] === candidate[mine],
  };
}

/** What a row of positions shows: one prompt put in one way, or the tokens decoded after it. */
export interface Check {
  readonly phase: "prefill" | "decode";
  readonly promptTokens: number;
  /** null: the prompt in one piece. */
  readonly segmentTokens: number | null;
  readonly positions: number;
  /** Largest error of any logit. Infinity (null in JSON) where one was no number. */
  readonly maxAbsError: number;
  /** Mean error over all logits of all positions. */
  readonly meanAbsError: number;
  /** Largest error of any logit, relative to the largest |logit| of the reference at its position. */
  readonly maxError: number;
  /** Mean error of the logits of the worst position, relative likewise. */
  readonly meanError: number;
  /** Positions where the reference's best logit is further above the second than the tolerance. */
  readonly decisive: number;
  /** Those of them where the candidate's best token is another one. */
  readonly disagreeing: number;
  /** Positions where the candidate went on with a token that has not its own largest logit. */
  readonly mispicked: number;
}

export function summarizeDifferences(
  where: Pick<Check, "phase" | "promptTokens" | "segmentTokens">,
  differences: readonly Difference[],
  tolerance: Tolerance,
): Check {
  const largest = (value: (one: Difference) => number): number =>
    differences.reduce((worst, one) => Math.max(worst, value(one)), 0);
  const decisive = differences.filter(({ margin, scale }) => margin > tolerance.max * scale);
  return {
    ...where,
    positions: differences.length,
    maxAbsError: largest(({ maxAbs }) => maxAbs),
    meanAbsError: differences.reduce((sum, { meanAbs }) => sum + meanAbs, 0) / differences.length,
    maxError: largest(({ maxAbs, scale }) => relative(maxAbs, scale)),
    meanError: largest(({ meanAbs, scale }) => relative(meanAbs, scale)),
    decisive: decisive.length,
    disagreeing: decisive.filter(({ agrees }) => !agrees).length,
    mispicked: differences.filter(({ pickedLargest }) => !pickedLargest).length,
  };
}

const relative = (error: number, scale: number): number => (error === 0 ? 0 : error / scale);

/** Why a check fails, in one sentence; null when it passes. */
export function faultOf(check: Check, { max, mean }: Tolerance): string | null {
  const fault = (): string | null => {
    if (check.maxAbsError === Infinity) return "logits are not finite";
    if (check.maxError > max) return `a logit is off by ${digits(check.maxError)}, more than ${digits(max)}`;
    if (check.meanError > mean)
      return `logits are off by ${digits(check.meanError)} in the mean, more than ${digits(mean)}`;
    if (check.disagreeing > 0)
      return `${check.disagreeing} of ${check.decisive} clear next tokens are others than the reference's`;
    if (check.mispicked > 0)
      return `${check.mispicked} of ${check.positions} tokens gone on with have not the largest logit`;
    return null;
  };
  const found = fault();
  return found === null ? null : `${describeCheck(check)}: ${found}`;
}

const digits = (value: number): string => value.toExponential(1);

function describeCheck({ phase, promptTokens, segmentTokens, positions }: Check): string {
  const way = segmentTokens === null ? "in one piece" : `in segments of ${segmentTokens}`;
  const prompt = `${promptTokens} prompt tokens ${way}`;
  return phase === "prefill" ? prompt : `${positions} tokens decoded after ${prompt}`;
}
