import { readFileSync } from "node:fs";

/**
 * When a process was started, in clock ticks since the machine was (field 22 of /proc/PID/stat, proc(5)): together with its
 * id it names one process, as ids are used again. "0" for one that runs where there is no /proc; null where none runs.
 */
export function processStart(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name may hold spaces and brackets; a zombie has ended, and waits to be collected.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" || state === "X" ? null : fields[18]!;
  } catch {
    return hasProc() || !isThere(pid) ? null : "0";
  }
}

const hasProc = (): boolean => {
  try {
    readFileSync("/proc/self/stat");
    return true;
  } catch {
    return false;
  }
};

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
