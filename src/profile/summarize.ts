import { classify, OPERATOR_CLASSES, type OpClass } from "./classes.js";
import type { NodeTotals, OrtProfile } from "./read-profile.js";

/** A class of operators over all profiled passes. */
export interface ClassTotals {
  readonly opClass: OpClass;
  /** Executions of its nodes; of `launch_gap` the runs, of copies of ours these. */
  readonly calls: number;
  readonly timeUs: number;
  /** Of the wall time of the passes. */
  readonly sharePct: number;
  /** null where a part of it is not known. */
  readonly inputBytes: number | null;
  readonly outputBytes: number | null;
  /** Most that was in use in the allocator as one of its nodes ended; null where the profile does not say it. */
  readonly inUseBytes: number | null;
}

/** How far the classes explain the wall time of the passes, and how far they are classes. */
export interface SumCheck {
  readonly wallUs: number;
  /** Classes and gaps together. */
  readonly explainedUs: number;
  /** How far that is off the wall time: 0 is all of it, less than 0 leaves time unexplained. */
  readonly errorPct: number;
  readonly unclassifiedPct: number;
  /** Of `errorPct` within SUM_TOLERANCE_PCT, and of `unclassifiedPct` below MOST_UNCLASSIFIED_PCT. */
  readonly sums: boolean;
  readonly classified: boolean;
}

/** By how much the classes' times and the gaps together may differ from the wall time. */
export const SUM_TOLERANCE_PCT = 2;
/** What share of the wall time may be in no class. */
export const MOST_UNCLASSIFIED_PCT = 1;

/** What is known of the passes from outside of the profile. */
export interface Passes {
  /** Wall time of all profiled passes on the host's clock. Default: that of the profile's runs. */
  readonly wallUs?: number;
  /** Copies between host and device that are ours and in no run. Default: none. */
  readonly copies?: { readonly calls: number; readonly timeUs: number };
  /** Time in neither a run nor a copy, as seen from outside: bindings made, states emptied. Default: none. */
  readonly betweenUs?: number;
}

export interface ProfileSummary {
  /** In the order of OPERATOR_CLASSES; only classes that occur. */
  readonly classes: readonly ClassTotals[];
  readonly check: SumCheck;
}

/** Sums a profile up by class. The time inside runs that no node takes is `launch_gap`, and so is that between them. */
export function summarizeProfile(
  { nodes, runs, runUs }: Pick<OrtProfile, "nodes" | "runs" | "runUs">,
  { wallUs = runUs, copies = { calls: 0, timeUs: 0 }, betweenUs = 0 }: Passes = {},
): ProfileSummary {
  const parts = new Map<OpClass, Part>();
  const add = (opClass: OpClass, part: Part): void => {
    const before = parts.get(opClass);
    parts.set(opClass, before ? together(before, part) : part);
  };
  for (const node of nodes) add(classify(node).opClass, node);
  if (copies.calls > 0) add("host_device_copy", { ...copies, ...NO_BYTES });
  const nodeUs = nodes.reduce((sum, { timeUs }) => sum + timeUs, 0);
  add("launch_gap", { calls: runs, timeUs: runUs - nodeUs + betweenUs, ...NO_BYTES });
  const share = (us: number): number => (wallUs > 0 ? (100 * us) / wallUs : 0);
  const classes = OPERATOR_CLASSES.flatMap((opClass) => {
    const part = parts.get(opClass);
    if (!part) return [];
    const { calls, timeUs, inputBytes, outputBytes, inUseBytes } = part;
    return [{ opClass, calls, timeUs, sharePct: share(timeUs), inputBytes, outputBytes, inUseBytes }];
  });
  const explainedUs = classes.reduce((sum, { timeUs }) => sum + timeUs, 0);
  const errorPct = share(explainedUs) - 100;
  const unclassifiedPct = share(parts.get("unclassified")?.timeUs ?? 0);
  const check = {
    wallUs,
    explainedUs,
    errorPct,
    unclassifiedPct,
    sums: Math.abs(errorPct) <= SUM_TOLERANCE_PCT,
    classified: unclassifiedPct < MOST_UNCLASSIFIED_PCT,
  };
  return { classes, check };
}

type Part = Pick<NodeTotals, "calls" | "timeUs" | "inputBytes" | "outputBytes" | "inUseBytes">;

const NO_BYTES = { inputBytes: null, outputBytes: null, inUseBytes: null } as const;

function together(a: Part, b: Part): Part {
  const sum = (x: number | null, y: number | null): number | null =>
    x === null || y === null ? null : x + y;
  return {
    calls: a.calls + b.calls,
    timeUs: a.timeUs + b.timeUs,
    inputBytes: sum(a.inputBytes, b.inputBytes),
    outputBytes: sum(a.outputBytes, b.outputBytes),
    inUseBytes:
      a.inUseBytes === null && b.inUseBytes === null ? null : Math.max(a.inUseBytes ?? 0, b.inUseBytes ?? 0),
  };
}
