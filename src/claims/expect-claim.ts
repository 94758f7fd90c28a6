import { AssertionError } from "node:assert";
import type { Rows } from "../record/index.js";
import { TOLERANCE, type ClaimTolerance } from "./accept.js";
import type { Claim } from "./claim.js";
import { findClaim, judgeClaims } from "./claims.js";
import type { ClaimResult, ClaimVerdict } from "./judge.js";
import type { Span } from "./measure.js";
import { spanWords, valueWords } from "./words.js";

/** A claim judged, to be asserted. Every method throws an AssertionError that shows all three values. */
export interface ClaimExpectation {
  readonly result: ClaimResult;
  /** The rows agree with the claim. */
  reproduced(): ClaimResult;
  /** The paper's published rows do not give what it states. */
  contradictedByOwnData(): ClaimResult;
  /** One's own rows disagree. */
  notReproducedHere(): ClaimResult;
  /** Rows are missing, or do not tell. */
  noData(): ClaimResult;
}

/**
 * A claim as a test: the paper's by its id, or your own from `defineClaim`. Without rows the paper's own are the judge.
 *
 * @example
 * expectClaim("H003", loadRows("out/a")).reproduced();
 */
export function expectClaim(
  claim: string | Claim,
  rows?: Rows | null,
  tolerance: Partial<ClaimTolerance> = TOLERANCE,
): ClaimExpectation {
  const found = typeof claim === "string" ? findClaim(claim) : claim;
  const result = judgeClaims(rows, { of: [found], tolerance })[0]!;
  const is = (verdict: ClaimVerdict) => (): ClaimResult => {
    if (result.verdict === verdict) return result;
    throw new AssertionError({
      message: `expected ${verdict}, ${describeClaim(result)}`,
      actual: result.verdict,
      expected: verdict,
      operator: "expectClaim",
    });
  };
  return {
    result,
    reproduced: is("reproduced"),
    contradictedByOwnData: is("contradicted-by-own-data"),
    notReproducedHere: is("not-reproduced-here"),
    noData: is("no-data"),
  };
}

/** What is stated, recomputed and measured, in words, the latter with its interval; "" where there is nothing. */
export function claimWords({ stated, unit, recomputed, here }: ClaimResult): {
  stated: string;
  recomputed: string;
  here: string;
} {
  const words = (value: ClaimResult["stated"] | Span | undefined): string =>
    value == null ? "" : typeof value === "string" ? value : valueWords(value, unit);
  const known = here && (here.bracket ?? here.interval);
  return {
    stated: words(stated),
    recomputed: words(recomputed?.value),
    here: known ? `${words(here.value)} (${spanWords(known, unit)})` : words(here?.value),
  };
}

/** A result in words: its verdict, the claim, the three values, why, and the numbers beside it. */
export function describeClaim(result: ClaimResult): string {
  const { id, verdict, claim, reason, evidence } = result;
  const { stated, recomputed, here } = claimWords(result);
  return [
    `${id} is ${verdict}: ${claim}`,
    `  stated ${stated || "–"}, recomputed ${recomputed || "–"}, here ${here || "–"}`,
    `  ${reason}`,
    ...evidence.map((each) => `  ${each.label}: ${valueWords(each.value, each.unit)}`),
  ].join("\n");
}
