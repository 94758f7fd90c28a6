import { verdictOf, type Verdict, type VerdictCode } from "../record/index.js";
import type { HostConditions } from "../sensors/host-conditions.js";
import type { WindowConditions } from "../sensors/window-conditions.js";
import type { Gate } from "./gate/record.js";

/**
 * By which limits a sample is doubted, and why there. They are ours: far enough from what an undisturbed machine does that a
 * quiet night gives no suspect row, and near enough that each costs a result no more than a few percent unseen.
 */
export const VERDICT_LIMITS = {
  /** Student's t of two samples has one degree of freedom: their interval is 12.7 standard errors wide, of three 4.3. */
  fewestSamples: 3,
  /** Waking up after native work takes some 50 us, 5 % of this. */
  shortestWindowMs: 1,
  /** Share of its mean clock in the first sample by which a GPU's may differ: compute-bound work takes as much longer. */
  clockDrift: 0.05,
  /**
   * Degrees by which the GPU may be warmer or colder than in the first sample, each at its hottest: boost clocks and leakage
   * follow the heat. Within a sample a prompt alone heats it by as much, and every sample of a cell alike.
   */
  temperatureDriftC: 10,
  /** Of the CPUs that the process may use, the share that others may: a core less of eight is 12 % less throughput. */
  foreignCpuShare: 0.1,
  /** Share of the time in which a control group's quota may keep the process waiting. */
  quotaShare: 0.01,
  /** Ticks of 10 ms do not tell what happened on a CPU in less time. */
  shortestHostWindowMs: 500,
} as const;

/** What is known of a sample. */
export interface VerdictEvidence {
  /** The shortest time that was taken by the clock; null for a sample that is no time. */
  readonly windowMs: number | null;
  /** Samples that the cell is to have. */
  readonly samples: number;
  readonly isWarm: boolean;
  readonly gate: Gate | null;
  readonly isBeyondPositions: boolean;
  /** Of the GPU in the sample's window, and in the first one's of the same visit to the cell; null where nothing is known. */
  readonly gpu: WindowConditions | null;
  readonly gpuAtFirst: WindowConditions | null;
  /** Of the machine, for a sample on its CPU. */
  readonly host: HostConditions | null;
  /** Found elsewhere. */
  readonly others?: readonly VerdictCode[];
}

/** Whether a sample may be trusted, and why not. What is not known speaks neither for nor against it. */
export function judgeVerdict(evidence: VerdictEvidence): Verdict {
  const { gate, gpu, gpuAtFirst, host, windowMs } = evidence;
  const limits = VERDICT_LIMITS;
  const found: Partial<Record<VerdictCode, boolean>> = {
    throttled: (gpu?.slowdowns?.length ?? 0) > 0 || isThrottled(host),
    clock_drift: apart(gpu?.gpuClockMhz?.mean, gpuAtFirst?.gpuClockMhz?.mean, "share") > limits.clockDrift,
    temperature_drift:
      apart(gpu?.temperatureC?.max, gpuAtFirst?.temperatureC?.max) > limits.temperatureDriftC,
    foreign_process: (gpu?.foreignProcesses ?? 0) > 0 || isShared(host),
    window_too_short: windowMs !== null && windowMs < limits.shortestWindowMs,
    unstable_warmup: !evidence.isWarm,
    few_samples: evidence.samples < limits.fewestSamples,
    beyond_positions: evidence.isBeyondPositions,
    unverified_numerics: gate === "not-run",
    wrong_numerics: gate === "failed",
  };
  const codes = (Object.keys(found) as VerdictCode[]).filter((code) => found[code]);
  return verdictOf([...(evidence.others ?? []), ...codes]);
}

/** How far two readings are apart, or 0 where one is not known. */
function apart(now: number | undefined, first: number | undefined, as?: "share"): number {
  if (now === undefined || first === undefined) return 0;
  return Math.abs(now - first) / (as === "share" ? first : 1);
}

function isThrottled(host: HostConditions | null): boolean {
  return (host?.quotaShare ?? 0) > VERDICT_LIMITS.quotaShare || (host?.thermalEvents ?? 0) > 0;
}

function isShared(host: HostConditions | null): boolean {
  if (host === null || host.durationMs < VERDICT_LIMITS.shortestHostWindowMs) return false;
  return (host.foreignCpus ?? 0) > VERDICT_LIMITS.foreignCpuShare * (host.cpus ?? Infinity);
}
