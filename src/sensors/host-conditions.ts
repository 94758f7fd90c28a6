import { join } from "node:path";
import { namesIn, readNumber, readText } from "./sysfs.js";

/** Counters of a Linux machine at one moment; null where it does not tell them. */
export interface HostSnapshot {
  readonly at_ms: number;
  /** CPUs that this process may use. */
  readonly cpus: number | null;
  /** CPU time of those CPUs that anybody used, in seconds since the start of the machine. */
  readonly busyS: number | null;
  /** The same that this process used. */
  readonly ownS: number;
  /** Time that the quota of the control group kept it waiting. */
  readonly quotaS: number | null;
  /** How often CPUs were slowed down by heat. */
  readonly thermalEvents: number | null;
}

/** What happened on a machine between two moments. */
export interface HostConditions {
  readonly durationMs: number;
  readonly cpus: number | null;
  /** CPUs' worth of time that others used, of those that this process may use. */
  readonly foreignCpus: number | null;
  /** Share of the time in which the control group's quota was used up. */
  readonly quotaShare: number | null;
  readonly thermalEvents: number | null;
}

/** Ticks of /proc/stat a second, for programs, on every architecture (USER_HZ). */
const TICKS_PER_S = 100;

/** Reads a handful of small files; it takes well under a millisecond. */
export function hostSnapshot(root = "/", clock: () => number = () => performance.now()): HostSnapshot {
  const allowed = allowedCpus(readText(join(root, "proc/self/status")));
  const times = cpuTimes(readText(join(root, "proc/stat"))).filter(({ cpu }) => allowed?.has(cpu) ?? true);
  const { user, system } = process.cpuUsage();
  return {
    at_ms: clock(),
    cpus: times.length > 0 ? times.length : null,
    busyS: times.length > 0 ? times.reduce((sum, { ticks }) => sum + ticks, 0) / TICKS_PER_S : null,
    ownS: (user + system) / 1e6,
    quotaS: throttledS(root),
    thermalEvents: thermalEvents(root),
  };
}

/** What happened from one snapshot to a later one. */
export function hostConditions(from: HostSnapshot, to: HostSnapshot): HostConditions {
  const seconds = (to.at_ms - from.at_ms) / 1000;
  const grown = (name: "busyS" | "quotaS" | "thermalEvents"): number | null =>
    from[name] === null || to[name] === null ? null : to[name] - from[name];
  const [busy, quota] = [grown("busyS"), grown("quotaS")];
  return {
    durationMs: to.at_ms - from.at_ms,
    cpus: to.cpus,
    // Ticks are counted late, and a sandbox may show counters that stand still.
    foreignCpus: busy === null || busy === 0 ? null : Math.max(0, busy - (to.ownS - from.ownS)) / seconds,
    quotaShare: quota === null ? null : quota / seconds,
    thermalEvents: grown("thermalEvents"),
  };
}

/** Busy ticks of each CPU: user, nice, system, interrupts. Guests are in user; time stolen by other guests is not ours. proc(5). */
function cpuTimes(stat: string | null): { cpu: number; ticks: number }[] {
  return [...(stat ?? "").matchAll(/^cpu(\d+) (.*)$/gm)].map(([, cpu, fields]) => {
    const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = fields!.trim().split(" ").map(Number);
    return { cpu: Number(cpu), ticks: user + nice + system + irq + softirq };
  });
}

/** `Cpus_allowed_list: 0-3,8` */
function allowedCpus(status: string | null): Set<number> | null {
  const list = /^Cpus_allowed_list:\s+(\S+)$/m.exec(status ?? "")?.[1];
  if (list === undefined) return null;
  return new Set(
    list.split(",").flatMap((range) => {
      const [first, last = first] = range.split("-").map(Number);
      return Array.from({ length: last! - first! + 1 }, (_, i) => first! + i);
    }),
  );
}

/** cpu.stat of control groups: throttled_usec of version 2, throttled_time in nanoseconds of version 1. */
function throttledS(root: string): number | null {
  const group = /^0::(\/.*)$/m.exec(readText(join(root, "proc/self/cgroup")) ?? "")?.[1] ?? "/";
  const stat =
    readText(join(root, "sys/fs/cgroup", group, "cpu.stat")) ??
    readText(join(root, "sys/fs/cgroup/cpu.stat")) ??
    readText(join(root, "sys/fs/cgroup/cpu/cpu.stat")) ??
    "";
  const microseconds = /^throttled_usec (\d+)$/m.exec(stat)?.[1];
  if (microseconds !== undefined) return Number(microseconds) / 1e6;
  const nanoseconds = /^throttled_time (\d+)$/m.exec(stat)?.[1];
  return nanoseconds === undefined ? null : Number(nanoseconds) / 1e9;
}

/** Intel's counts; other CPUs have none. */
function thermalEvents(root: string): number | null {
  const cpus = join(root, "sys/devices/system/cpu");
  const counts = namesIn(cpus, "cpu")
    .map((name) => readNumber(join(cpus, name, "thermal_throttle/core_throttle_count")))
    .filter((count) => count !== null);
  return counts.length > 0 ? counts.reduce((sum, count) => sum + count, 0) : null;
}
