import { crossingsOf, type Crossover } from "./crossover-result.js";
import { crossover } from "./crossover.js";
import { whole } from "./describe-crossover.js";
import type { ScalingFit } from "./fit-scaling.js";
import { interpolatedCrossover, type InterpolatedOptions } from "./interpolated-crossover.js";

/** The crossover of the fitted curves beside that of the samples themselves. */
export interface CrossoverVariants {
  fitted: Crossover;
  /** null where the two series have fewer than two lengths in common. */
  interpolated: Crossover | null;
  /** In what they differ, in a sentence; null where they agree or there is nothing to compare. */
  note: string | null;
}

/**
 * Both variants. They differ where one has a crossing in the measured lengths that the other lacks, where the order
 * is another, or where the interpolated crossing is outside the fitted one's interval and the fitted outside the
 * interpolated one's: then the curve does not follow the samples near the crossing. Samples can also tell apart what the
 * fits, uncertain of their curve, cannot.
 */
export function crossoverVariants(
  a: ScalingFit,
  b: ScalingFit,
  options: InterpolatedOptions = {},
): CrossoverVariants {
  const fitted = crossover(a, b, options);
  const shared = a.lengths.filter((length) => b.lengths.includes(length));
  const interpolated = shared.length < 2 ? null : interpolatedCrossover(a, b, options);
  return { fitted, interpolated, note: interpolated && noteOf(fitted, interpolated) };
}

function noteOf(fitted: Crossover, interpolated: Crossover): string | null {
  if (agree(fitted, interpolated)) return null;
  return `The fitted curves ${finding(fitted)}; the samples themselves ${finding(interpolated)}.`;
}

/** Samples that cannot be told apart contradict nothing; an extrapolated crossing agrees with samples that keep their order. */
function agree(fitted: Crossover, interpolated: Crossover): boolean {
  if (interpolated.state === "not-separable") return true;
  if (fitted.state === "not-separable") return false;
  const [inFits, inSamples] = [
    fitted.state === "extrapolated" ? [] : crossingsOf(fitted),
    crossingsOf(interpolated),
  ];
  if (inFits.length !== inSamples.length) return false;
  if (fitted.state === "none-in-range" && interpolated.state === "none-in-range")
    return fitted.lower === interpolated.lower;
  return inFits.every((one, i) => {
    const other = inSamples[i]!;
    const isIn = (tokens: number, [from, to]: readonly [number, number]): boolean =>
      tokens >= from && tokens <= to;
    return (
      one.lowerAbove === other.lowerAbove &&
      (isIn(one.tokens, other.interval) || isIn(other.tokens, one.interval))
    );
  });
}

function finding(result: Crossover): string {
  switch (result.state) {
    case "none-in-range":
      return `have ${result.lower} lower throughout`;
    case "not-separable":
      return "are not separable";
    case "extrapolated":
      return `would cross at ${whole(result.tokens)} tokens, outside the measured lengths`;
    case "crossing":
    case "multiple":
      return `cross at ${crossingsOf(result)
        .map(({ tokens, lowerAbove }) => `${whole(tokens)} tokens (${lowerAbove} lower above)`)
        .join(" and ")}`;
  }
}
