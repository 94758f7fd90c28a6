import type { Row } from "../record/index.js";
import { lastLines } from "./cell-log.js";
import type { Limit } from "./guard.js";

/** How a cell's process ended before it had said that it was done. */
export interface Death {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not be started, else null. */
  readonly startError: string | null;
  /** Samples it had sent. */
  readonly samples: number;
  /** The newest text of its log. */
  readonly log: string;
  /** Whether the kernel's OOM killer ended a process meanwhile; null where it does not say. */
  readonly oomKill: boolean | null;
  /** What we killed it for, else null. */
  readonly limit: Limit | null;
}

/**
 * The status of a cell whose process died. SIGKILL with the OOM killer's count risen is a finding, and so is a limit of ours;
 * all else is a failure.
 */
export function deathStatus(death: Death): Row & { status_reason: string } {
  const { signal, startError, oomKill, limit } = death;
  if (startError !== null)
    return { status: "failed", status_reason: `the process could not be started: ${startError}` };
  const oom = signal === "SIGKILL" && oomKill === true;
  const lines = lastLines(death.log);
  const log = lines === "" ? "it logged nothing" : `last log lines: ${lines}`;
  return {
    status: limit === null ? (oom ? "oom" : "failed") : limit.of === "time" ? "timeout" : "oom",
    status_reason: `the process ${howItEnded(death)} ${when(death.samples)}; ${log}`,
  };
}

function howItEnded({ exitCode, signal, oomKill, limit }: Death): string {
  if (limit?.of === "time") return `was killed when its ${limit.seconds} s were over,`;
  if (limit?.of === "memory")
    return `was killed when it held ${limit.residentBytes} bytes, over its budget of ${limit.bytes},`;
  if (signal === null) return `ended with exit code ${exitCode}`;
  if (signal !== "SIGKILL") return `was killed by ${signal}`;
  if (oomKill) return "was killed by the kernel's OOM killer (SIGKILL)";
  return oomKill === null
    ? "was killed by SIGKILL, likely by the kernel's OOM killer,"
    : "was killed by SIGKILL, not by the kernel's OOM killer,";
}

function when(samples: number): string {
  if (samples === 0) return "before the first sample";
  return samples === 1 ? "after the first sample" : `after ${samples} samples`;
}
