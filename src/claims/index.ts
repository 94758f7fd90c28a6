export * from "./claims.js";
export * from "./expect-claim.js";
export { defineClaim } from "./claim.js";
export type { Accept, Beside, Carries, Claim, ClaimDefinition, PaperDevice } from "./claim.js";
export { CLAIM_VERDICTS } from "./judge.js";
export type { ClaimEvidence, ClaimFinding, ClaimResult, ClaimVerdict } from "./judge.js";
export type { ClaimTolerance } from "./accept.js";
/** How a claim of one's own is measured: measure.ratio(...), measure.crossing(...). */
export * as measure from "./measure.js";
export type { Measure } from "./measure.js";
export * from "./expect-crossover.js";
