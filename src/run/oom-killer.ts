import { readFileSync } from "node:fs";

/** The text of a file, or null where it cannot be read. */
type ReadFile = (path: string) => string | null;

/**
 * How many processes the kernel's OOM killer has ended so far: in the control group of this process where the kernel
 * counts that (memory.events of version 2, memory.oom_control of version 1), else on the whole machine. All three files
 * have a line `oom_kill COUNT`. Null where there is no count. A rise around a SIGKILL is evidence of who sent it.
 * Source: Linux Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst.
 */
export function oomKills(read: ReadFile = readText): number | null {
  for (const path of counters(read("/proc/self/cgroup") ?? "")) {
    const count = /^oom_kill (\d+)$/m.exec(read(path) ?? "")?.[1];
    if (count !== undefined) return Number(count);
  }
  return null;
}

/** Where the count may stand, the closest first. In a container, the group's own folder may be mounted as the top. */
function counters(groups: string): string[] {
  const two = /^0::(\/.*)$/m.exec(groups)?.[1];
  const one = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m.exec(groups)?.[1];
  return [
    ...(two === undefined ? [] : [`/sys/fs/cgroup${two === "/" ? "" : two}/memory.events`]),
    ...(one === undefined ? [] : [`/sys/fs/cgroup/memory${one === "/" ? "" : one}/memory.oom_control`]),
    "/sys/fs/cgroup/memory.events",
    "/sys/fs/cgroup/memory/memory.oom_control",
    "/proc/vmstat",
  ];
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
