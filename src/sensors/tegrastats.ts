import { readFileSync } from "node:fs";
import { UserError } from "../errors.js";
import { checkCommand, isProgram, openLineProcess } from "./line-process.js";
import type { Sensor } from "./sensor.js";
import { tegrastatsReader } from "./tegrastats-reader.js";

/** How often, and by which program. */
export interface TegrastatsOptions {
  /** How tegrastats is started, e.g. `["ssh", "orin", "tegrastats"]`; `--interval` is added. Default: from the path. */
  command?: readonly string[];
  /** Below 15 ms Orin's sensor chip repeats its readings, and the program itself loads the CPU. Default: 100. */
  intervalMs?: number;
  /** Without a reading for so long, it is reported as silent. Default: five intervals, 2 s at least. */
  silentAfterMs?: number;
}

const DEFAULT_INTERVAL_MS = 100;

/** Readings of a Jetson by NVIDIA's tegrastats, which runs as a child process from `open` to `close`. */
export function tegrastats({
  command = ["tegrastats"],
  intervalMs = DEFAULT_INTERVAL_MS,
  silentAfterMs = Math.max(5 * intervalMs, 2000),
}: TegrastatsOptions = {}): Sensor {
  const [program, ...before] = checkCommand(command, "tegrastats", "tegrastats");
  if (!Number.isInteger(intervalMs) || intervalMs < 1)
    throw new UserError(
      `The interval of tegrastats is ${intervalMs}; it must be whole milliseconds, 1 or more.`,
    );
  return {
    source: "tegrastats",
    discover: () => {
      if (!isProgram(program)) return Promise.resolve({ devices: [], reason: missing(program) });
      return Promise.resolve({ devices: [boardModel() ?? "Jetson"], reason: null });
    },
    open: (options = {}) =>
      openLineProcess(
        {
          command: [program, ...before, "--interval", String(intervalMs)],
          reader: tegrastatsReader(),
          silentAfterMs,
          missing: missing(program),
        },
        options,
      ),
  };
}

const missing = (program: string): string =>
  `${program} is not on this machine: it comes with NVIDIA's Jetson Linux, in /usr/bin (in a container, mount it).`;

/** As the device tree names it. */
function boardModel(): string | null {
  try {
    return readFileSync("/proc/device-tree/model", "utf8").replaceAll("\0", "");
  } catch {
    return null;
  }
}
