import { AssertionError } from "node:assert";
import type { ColumnTable } from "arquero";
import { TOLERANCE, type ClaimTolerance } from "./accept.js";
import type { Claim } from "./claim.js";
import { findClaim, judgeClaims } from "./claims.js";
import type { ClaimResult, ClaimVerdict } from "./judge.js";
import { valueWords } from "./words.js";

/** A claim judged, to be asserted. Every method throws an AssertionError that shows all three values. */
export interface ClaimExpectation {
  readonly result: ClaimResult;
  reproduced(): ClaimResult;
  contradictedByOwnData(): ClaimResult;
  notReproducedHere(): ClaimResult;
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
  rows?: ColumnTable | null,
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

/** A result in words: its verdict, the claim, the three values, why, and the numbers beside it. */
export function describeClaim({
  id,
  verdict,
  claim,
  stated,
  unit,
  recomputed,
  here,
  reason,
  evidence,
}: ClaimResult): string {
  const found = (finding: typeof here): string => (finding ? valueWords(finding.value, unit) : "–");
  const given = typeof stated === "number" ? valueWords(stated, unit) : (stated ?? "–");
  return [
    `${id} is ${verdict}: ${claim}`,
    `  stated ${given}, recomputed ${found(recomputed)}, here ${found(here)}`,
    `  ${reason}`,
    ...evidence.map((each) => `  ${each.label}: ${valueWords(each.value, each.unit)}`),
  ].join("\n");
}
