import { join } from "node:path";
import type { Environment } from "../../record/index.js";
import { readNumber, readText } from "../../sensors/sysfs.js";

const FREQUENCY = "sys/devices/system/cpu/cpu0/cpufreq";

/** How the CPU is set, by Linux; null where it does not say, as in most virtual machines. */
export function cpuSettings(root = "/"): Pick<Environment, "cpu_quota" | "cpu_governor" | "cpu_max_mhz"> {
  const kilohertz = readNumber(join(root, FREQUENCY, "scaling_max_freq"));
  return {
    cpu_quota: cpuQuota(root),
    cpu_governor: readText(join(root, FREQUENCY, "scaling_governor")),
    cpu_max_mhz: kilohertz === null ? null : kilohertz / 1000,
  };
}

/** CPUs' worth of time of this process's control group: of version 2 `cpu.max`, of version 1 quota and period. */
function cpuQuota(root: string): number | null {
  const group = /^0::(\/.*)$/m.exec(readText(join(root, "proc/self/cgroup")) ?? "")?.[1] ?? "/";
  const two =
    readText(join(root, "sys/fs/cgroup", group, "cpu.max")) ?? readText(join(root, "sys/fs/cgroup/cpu.max"));
  const [quota, period] = two?.split(" ").map(Number) ?? [
    readNumber(join(root, "sys/fs/cgroup/cpu/cpu.cfs_quota_us")) ?? NaN,
    readNumber(join(root, "sys/fs/cgroup/cpu/cpu.cfs_period_us")) ?? NaN,
  ];
  return quota! > 0 && period! > 0 ? quota! / period! : null;
}
