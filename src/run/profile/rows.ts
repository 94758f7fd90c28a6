import type { OrtProfile, ProfileSummary } from "../../profile/index.js";
import type { Row } from "../../record/index.js";
import type { Phase } from "../graph-options.js";

/** What every row of a breakdown by class says of itself. */
export const breakdownColumns = (phase: Phase | null): Row => ({
  kind: "operators",
  breakdown: "class",
  method: "ort_profiler",
  phase,
});

/** Columns of a summary's classes, a row each. */
export const classColumns = (
  { classes }: ProfileSummary,
  { passes, profiledMs, unprofiledMs }: { passes: number; profiledMs: number; unprofiledMs: number | null },
): Row[] =>
  classes.map((one) => ({
    status: "ok",
    op_class: one.opClass,
    op_calls: one.calls,
    op_passes: passes,
    op_latency_us: one.timeUs,
    op_share_pct: one.sharePct,
    op_input_bytes: one.inputBytes,
    op_output_bytes: one.outputBytes,
    op_peak_bytes: one.inUseBytes,
    profiled_ms: profiledMs,
    unprofiled_ms: unprofiledMs,
  }));

/** What speaks against a profile. */
export const doubtsOf = ({ check }: ProfileSummary, { full }: Pick<OrtProfile, "full">): string[] => [
  ...(check.sums ? [] : ["operators-do-not-sum"]),
  ...(check.classified ? [] : ["operators-unclassified"]),
  ...(full ? ["profile-full"] : []),
];
