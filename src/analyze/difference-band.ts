import { bisect, quantile, sortSamples, studentQuantile } from "../stats/index.js";
import { differenceAt, lowerAt, type Pair, type Side, type Span } from "./pair.js";

/** Two curves, what a bootstrap made of them, and how well it knows its own scatter. */
export interface Evidence {
  fitted: Pair;
  resampled: readonly Pair[];
  /** Of the scatter of each curve. */
  degreesOfFreedom: Record<Side, number>;
}

/** The difference of a pair at a length, its standard error, and the degrees of freedom of that. */
interface Difference {
  difference: number;
  standardError: number;
  degreesOfFreedom: number;
}

/** Bootstrap standard error of a difference; the degrees of freedom by Welch (1947) and Satterthwaite (1946). */
function difference({ fitted, resampled, degreesOfFreedom: known }: Evidence, length: number): Difference {
  const [atA, atB] = [fitted.a.at(length), fitted.b.at(length)];
  let [aSquares, bSquares, squares] = [0, 0, 0];
  for (const { a, b } of resampled) {
    const [aOff, bOff] = [a.at(length) - atA, b.at(length) - atB];
    aSquares += aOff ** 2;
    bSquares += bOff ** 2;
    squares += (aOff - bOff) ** 2;
  }
  const spread = aSquares ** 2 / known.a + bSquares ** 2 / known.b;
  return {
    difference: atA - atB,
    standardError: Math.sqrt(squares / resampled.length),
    degreesOfFreedom: spread > 0 ? (aSquares + bSquares) ** 2 / spread : Infinity,
  };
}

/**
 * The lengths around a meeting at which the interval of the difference, D ± t·s with the bootstrap's standard error s
 * and Student's t, holds 0: Fieller's set (1954), of which only the part connected with the meeting is given. An end
 * of the grid that is reached is returned as it is: the set goes on beyond.
 */
export function fiellerSet(
  evidence: Evidence,
  tokens: number,
  grid: readonly number[],
  confidence: number,
): Span {
  const holdsZero = (length: number): boolean => {
    if (lowerAt(evidence.fitted, length) === null) return true;
    const { difference: d, standardError, degreesOfFreedom } = difference(evidence, length);
    return Math.abs(d) <= tail((1 - confidence) / 2, degreesOfFreedom) * standardError;
  };
  const end = (lengths: readonly number[]): number => {
    let inside = tokens;
    for (const length of lengths) {
      if (!holdsZero(length)) return bisect(holdsZero, inside, length);
      inside = length;
    }
    return inside;
  };
  return [
    end(grid.filter((length) => length < tokens).reverse()),
    end(grid.filter((length) => length > tokens)),
  ];
}

/**
 * Whether a pair differs at one length at least, with the lengths judged together: the simultaneous bootstrap band
 * around their difference (the sup-t band of Montiel Olea and Plagborg-Møller 2019, doi:10.1002/jae.2656) leaves out
 * 0 somewhere. Judged one by one, two samples of the same curve would differ somewhere in one data set of seven.
 *
 * The replicates know their standard error, the samples only estimate it: the critical value is the one of Student's
 * t that is exceeded as often, at one length, as the band's is by the replicates.
 */
export function differ(evidence: Evidence, lengths: readonly number[], confidence: number): boolean {
  const { fitted, resampled } = evidence;
  const bands = lengths.map((length) => difference(evidence, length));
  const scaled = lengths.map((length, i) => {
    const { difference: d, standardError } = bands[i]!;
    return resampled.map((pair) =>
      standardError > 0 ? Math.abs(differenceAt(pair, length) - d) / standardError : 0,
    );
  });
  const largest = resampled.map((_, k) => Math.max(...scaled.map((deviations) => deviations[k]!)));
  const critical = quantile(sortSamples(largest), confidence);
  const exceeding = scaled.flat().filter((deviation) => deviation > critical).length;
  const share = Math.max(exceeding, 1) / (lengths.length * resampled.length);
  return bands.some(
    ({ difference: d, standardError, degreesOfFreedom }, i) =>
      lowerAt(fitted, lengths[i]!) !== null &&
      Math.abs(d) > tail(share / 2, degreesOfFreedom) * standardError,
  );
}

/** The value that Student's t exceeds with this probability. */
function tail(probability: number, degreesOfFreedom: number): number {
  return studentQuantile(1 - probability, Math.min(degreesOfFreedom, 1e6));
}
