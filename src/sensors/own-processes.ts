import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { readText } from "./sysfs.js";

/** Inode of the process ids of the machine itself (PROC_PID_INIT_INO of linux/proc_ns.h), not of a container. */
const MACHINE_PIDS = "pid:[4026531836]";

/** Whether process ids here are the machine's own; a container has its own. Null where that cannot be told. */
export function pidsAreOfTheMachine(root = "/"): boolean | null {
  try {
    return readlinkSync(join(root, "proc/self/ns/pid")) === MACHINE_PIDS;
  } catch {
    return null;
  }
}

/** Whether a process is one of `roots`, or descends from one. */
export function descendsFrom(pid: number, roots: ReadonlySet<number>, root = "/"): boolean {
  for (let next = pid, depth = 0; next > 1 && depth < 64; depth++) {
    if (roots.has(next)) return true;
    const parent = /^PPid:\s+(\d+)$/m.exec(readText(join(root, `proc/${next}/status`)) ?? "")?.[1];
    next = parent === undefined ? 0 : Number(parent);
  }
  return false;
}
