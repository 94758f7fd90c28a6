import type { Row } from "./schema.js";

interface VerdictReason {
  /** After "because". */
  readonly words: string;
  /** What a row with it is at best. */
  readonly verdict: "suspect" | "rejected";
  /** Whether it may be gone when the sample is taken again. */
  readonly isTransient: boolean;
}

const suspect = (words: string): VerdictReason => ({ words, verdict: "suspect", isTransient: false });
const passing = (words: string): VerdictReason => ({ words, verdict: "suspect", isTransient: true });

/** Every code of `verdict_reasons`. By which limits they are given: src/run/verdict.ts. */
export const VERDICT_REASONS = {
  throttled: passing("the device was slowed down by heat, its hardware or a quota"),
  clock_drift: passing("the clock of the GPU differed from that of the first sample"),
  temperature_drift: passing("the device warmed up or cooled down while it was measured"),
  foreign_process: passing("other processes were on the device"),
  unstable_warmup: passing("times had not settled after the warm-up"),
  window_too_short: suspect("the time is too short for the clock that measures it"),
  few_samples: suspect("there are too few samples for an interval"),
  unverified_numerics: suspect("the setting has not been verified (ssm-scope verify)"),
  beyond_positions: suspect("the model's positions were exceeded"),
  energy_doubtful: suspect("the energy is doubtful (energy_note in the rows)"),
  operators_do_not_sum: suspect("classes and gaps of the profile do not sum to its wall time"),
  operators_unclassified: suspect("too much of the profile's time is of operators that no class holds"),
  profile_full: suspect("ONNX Runtime's profile was full before the passes ended"),
  wrong_numerics: {
    words: "the setting failed its numerical gate (ssm-scope verify)",
    verdict: "rejected",
    isTransient: false,
  },
} as const satisfies Record<string, VerdictReason>;

/** A code of `verdict_reasons`. */
export type VerdictCode = keyof typeof VERDICT_REASONS;

/** How rows of version 0.1 and before spell their codes. */
const FORMERLY: Readonly<Record<string, VerdictCode>> = {
  "unstable-warm-up": "unstable_warmup",
  "beyond-positions": "beyond_positions",
  "gate-not-run": "unverified_numerics",
  "gate-failed": "wrong_numerics",
  "energy-doubtful": "energy_doubtful",
};

/** What is known of a code, also of one that is spelt as formerly; null for others, as of foreign rows. */
export function verdictReason(code: string): VerdictReason | null {
  const known = FORMERLY[code] ?? code;
  return Object.hasOwn(VERDICT_REASONS, known) ? VERDICT_REASONS[known as VerdictCode] : null;
}

/** A verdict and why it is not ok. */
export interface Verdict {
  readonly verdict: "ok" | "suspect" | "rejected";
  readonly verdict_reasons: VerdictCode[];
}

/** The verdict that reasons make: as bad as the worst of them. */
export function verdictOf(reasons: readonly VerdictCode[]): Verdict {
  const verdicts = reasons.map((code): VerdictReason["verdict"] => VERDICT_REASONS[code].verdict);
  const verdict = verdicts.includes("rejected") ? "rejected" : verdicts.length > 0 ? "suspect" : "ok";
  return { verdict, verdict_reasons: [...reasons] };
}

/**
 * Rows of which some were taken again (`attempt`), as read: a sample that a later attempt replaces has `superseded` true. It
 * stays among the rows and counts nowhere. Which is replaced is decided by verdicts alone, never by a measured value.
 */
export function markSuperseded(rows: readonly Row[]): readonly Row[] {
  if (!rows.some(({ attempt }) => (attempt ?? 0) > 0)) return rows;
  const newest = new Map<string, number>();
  const keyOf = ({ campaign, cell, kind, phase, repeat }: Row): string =>
    JSON.stringify([campaign, cell, kind, phase, repeat]);
  const isSample = ({ status, repeat }: Row): boolean => status === "ok" && repeat != null;
  for (const row of rows)
    if (isSample(row)) newest.set(keyOf(row), Math.max(newest.get(keyOf(row)) ?? 0, row.attempt ?? 0));
  return rows.map((row) =>
    isSample(row) && (row.attempt ?? 0) < newest.get(keyOf(row))! ? { ...row, superseded: true } : row,
  );
}
