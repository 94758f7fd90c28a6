import { join } from "node:path";
import { UserError } from "../errors.js";
import { checkInterval, poll } from "./poll.js";
import { warnOnce, type Sensor, type Values } from "./sensor.js";
import { namesIn, readNumber, readText } from "./sysfs.js";

/** How often, and of which process. */
export interface HostOptions {
  /** Whose resident memory is told. Default: this process. */
  pid?: number;
  intervalMs?: number;
  /** The folder that holds proc and sys. Default: /. */
  root?: string;
}

/**
 * A Linux machine: resident memory of a process, memory and CPU load of the machine, and the energy counters of its CPU
 * packages (RAPL), which most systems let only root read; `energy_j` is null then.
 */
export function host({ pid = process.pid, intervalMs = 100, root = "/" }: HostOptions = {}): Sensor {
  checkInterval(intervalMs);
  const missing = `There is no Linux /proc under ${root}.`;
  const present = (): boolean => readText(join(root, "proc/stat")) !== null;
  return {
    source: "host",
    discover: () =>
      Promise.resolve(present() ? { devices: ["Linux"], reason: null } : { devices: [], reason: missing }),
    open: (options = {}) => {
      if (!present()) return Promise.reject(new UserError(missing));
      const { warn, last } = warnOnce(options);
      const load = cpuLoad(root);
      const packages = namesIn(join(root, "sys/class/powercap"), "intel-rapl:")
        .filter((name) => /^intel-rapl:\d+$/.test(name))
        .map((name) => join(root, "sys/class/powercap", name))
        // Of laptops, one is of the whole platform: it has the packages in it.
        .filter((folder) => readText(join(folder, "name")) !== "psys")
        .map(raplCounter);
      const read = (): Values => {
        const rss = processRss(pid, root);
        if (rss === null) warn("process", `Process ${pid} is gone: its memory is null.`);
        const energies = packages.map((energy) => energy());
        if (energies.includes(null))
          warn("rapl", "The energy counters of the CPU (RAPL) may not be read by this user: energy is null.");
        return {
          process_rss_bytes: rss,
          ...machineMemory(root),
          cpu_load_pct: load(),
          ...energyOf(energies),
        };
      };
      return Promise.resolve(poll(read, intervalMs, options, last));
    },
  };
}

/** Since the sensor was opened. Packages are summed; DRAM and the rest of the machine are not in it. */
function energyOf(energies: readonly (number | null)[]): {
  energy_j: number | null;
  energy_rule: string | null;
} {
  if (energies.length === 0 || energies.includes(null)) return { energy_j: null, energy_rule: null };
  const energy_j = energies.reduce<number>((sum, energy) => sum + energy!, 0);
  return { energy_j, energy_rule: `CPU packages: ${energies.length} RAPL counters` };
}

const kibibytes = (text: string | null, field: string): number | null => {
  const found = new RegExp(String.raw`^${field}:\s+(\d+) kB$`, "m").exec(text ?? "")?.[1];
  return found === undefined ? null : Number(found) * 1024;
};

/** Resident memory of a process in bytes (VmRSS of proc(5)); null where there is no /proc, or no such process. */
export const processRss = (pid: number, root = "/"): number | null =>
  kibibytes(readText(join(root, `proc/${pid}/status`)), "VmRSS");

function machineMemory(root: string): { ram_used_bytes: number | null; ram_total_bytes: number | null } {
  const text = readText(join(root, "proc/meminfo"));
  const total = kibibytes(text, "MemTotal");
  const available = kibibytes(text, "MemAvailable");
  return {
    ram_used_bytes: total === null || available === null ? null : total - available,
    ram_total_bytes: total,
  };
}

/** Share of time, over all CPUs, in which they were not idle since the call before; null at first. Source: proc(5). */
function cpuLoad(root: string): () => number | null {
  let before: { busy: number; all: number } | null = null;
  return () => {
    const times = /^cpu +(.*)$/m
      .exec(readText(join(root, "proc/stat")) ?? "")?.[1]
      ?.split(" ")
      .map(Number);
    if (!times) return null;
    // Guest time, the 9th and 10th, is part of the 1st and 2nd already; idle and waiting for a disk are not busy.
    const all = times.slice(0, 8).reduce((sum, time) => sum + time, 0);
    const now = { all, busy: all - (times[3] ?? 0) - (times[4] ?? 0) };
    const [busy, passed] = before === null ? [0, 0] : [now.busy - before.busy, now.all - before.all];
    before = now;
    return passed > 0 ? Math.min(100, Math.max(0, (100 * busy) / passed)) : null;
  };
}

/** Joules since the first call; the counter starts again from 0 at its range. Source: Linux power/powercap.rst. */
function raplCounter(folder: string): () => number | null {
  const range = readNumber(join(folder, "max_energy_range_uj"));
  let before: number | null = null;
  let total = 0;
  return () => {
    const now = readNumber(join(folder, "energy_uj"));
    if (now === null) return null;
    const grown = now - (before ?? now);
    if (grown < 0 && range === null) return null;
    total += grown < 0 ? grown + range! : grown;
    before = now;
    return total / 1e6;
  };
}
