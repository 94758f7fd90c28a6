import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../errors.js";
import { excerpt, LineCutter } from "./lines.js";
import { SampleQueue } from "./sample-queue.js";
import { iterate, warnOnce, type OpenOptions, type OpenSensor, type Sensor } from "./sensor.js";
import { tegrastatsReader } from "./tegrastats-reader.js";

export interface TegrastatsOptions {
  /** How tegrastats is started, e.g. `["ssh", "orin", "tegrastats"]`; `--interval` is added. Default: from the path. */
  command?: readonly string[];
  /** Below 15 ms Orin's sensor chip repeats its readings, and the program itself loads the CPU. Default: 100. */
  intervalMs?: number;
  /** Without a reading for so long, it is reported as silent. Default: five intervals, 2 s at least. */
  silentAfterMs?: number;
}

type Process = ChildProcessByStdio<null, Readable, Readable>;

const DEFAULT_INTERVAL_MS = 100;
const STOP_WITHIN_MS = 1000;

/** Readings of a Jetson by NVIDIA's tegrastats, which runs as a child process from `open` to `close`. */
export function tegrastats({
  command = ["tegrastats"],
  intervalMs = DEFAULT_INTERVAL_MS,
  silentAfterMs = Math.max(5 * intervalMs, 2000),
}: TegrastatsOptions = {}): Sensor {
  if (command[0] === undefined || command[0] === "")
    throw new UserError("The command of tegrastats is empty: name the program, e.g. tegrastats.");
  if (!Number.isInteger(intervalMs) || intervalMs < 1)
    throw new UserError(
      `The interval of tegrastats is ${intervalMs}; it must be whole milliseconds, 1 or more.`,
    );
  const [program, ...before] = command as [string, ...string[]];
  return {
    source: "tegrastats",
    discover: () => {
      if (!isProgram(program)) return Promise.resolve({ devices: [], reason: missing(program) });
      return Promise.resolve({ devices: [boardModel() ?? "Jetson"], reason: null });
    },
    async open(options = {}) {
      let child: Process;
      try {
        child = spawn(program, [...before, "--interval", String(intervalMs)], {
          stdio: ["ignore", "pipe", "pipe"],
        });
        await once(child, "spawn");
      } catch (error) {
        throw new UserError(startFailure(program, error as NodeJS.ErrnoException), { cause: error });
      }
      return follow(child, program, silentAfterMs, options);
    },
  };
}

/** Pumps the output of a process that runs into a queue, stamped at receipt. */
function follow(child: Process, program: string, silentAfterMs: number, options: OpenOptions): OpenSensor {
  const { clock = () => performance.now() } = options;
  const { warn, last } = warnOnce(options);
  const queue = new SampleQueue();
  const reader = tegrastatsReader();
  const lines = new LineCutter();
  let count = 0;
  let noise = "";
  let errors = "";
  let closing = false;

  const silence = setTimeout(() => {
    const since = count === 0 ? "since it was started" : `after ${count} readings`;
    warn("silent", `${program} runs but has printed no reading for ${silentAfterMs} ms ${since}.`);
  }, silentAfterMs);

  child.stdout.on("data", (chunk: Buffer) => {
    const at_ms = clock();
    for (const line of lines.push(chunk)) {
      const reading = reader.read(line);
      if (reading === null) {
        if (line.trim() !== "") noise = line;
        continue;
      }
      count++;
      silence.refresh();
      for (const [key, sentence] of reading.warnings) warn(key, sentence);
      queue.push({ at_ms, device: reading.device, values: reading.values });
      if (queue.dropped > 0)
        warn("dropped", "Readings of tegrastats are not fetched: the oldest are dropped from now on.");
    }
  });
  child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-500)));

  // Emitted where it may not be signalled, as one under sudo: what `close` does beside ends it.
  child.on("error", () => undefined);
  // A process that tegrastats left behind, or a wrapper's, may hold the pipe open for ever.
  child.once("exit", () => setTimeout(() => child.stdout.destroy(), 200).unref());
  const ended = new Promise<void>((resolve) => {
    child.once("close", (code, signal) => {
      clearTimeout(silence);
      if (!closing) warn("ended", death(program, code, signal, count, errors.trim() || noise));
      queue.end();
      resolve();
    });
  });

  const sensor: OpenSensor = {
    sample: () => queue.next(),
    get problem() {
      return last();
    },
    async close() {
      closing = true;
      clearTimeout(silence);
      queue.clear();
      queue.end();
      child.kill();
      // The next line it prints ends one that no signal of ours reaches.
      child.stdout.destroy();
      const stubborn = setTimeout(() => child.kill("SIGKILL"), STOP_WITHIN_MS);
      await Promise.race([ended, sleep(2 * STOP_WITHIN_MS, undefined, { ref: false })]);
      clearTimeout(stubborn);
      child.unref();
    },
    [Symbol.asyncIterator]: () => iterate(sensor),
  };
  return sensor;
}

const missing = (program: string): string =>
  `${program} is not on this machine: it comes with NVIDIA's Jetson Linux, in /usr/bin (in a container, mount it).`;

function startFailure(program: string, { code, message }: NodeJS.ErrnoException): string {
  if (code === "ENOENT") return missing(program);
  if (code === "EACCES")
    return `${program} may not be run by this user: give it the right to execute the file.`;
  return `${program} could not be started: ${message}.`;
}

function death(
  program: string,
  code: number | null,
  signal: NodeJS.Signals | null,
  count: number,
  said: string,
): string {
  const how = signal === null ? `ended by itself with exit code ${code!}` : `was killed by ${signal}`;
  const last = said === "" ? "" : `; it last said ${excerpt(said)}`;
  return `${program} ${how} after ${count} readings, and there are none from then on${last}.`;
}

function isProgram(name: string): boolean {
  const folders = name.includes("/") ? [""] : (process.env.PATH ?? "").split(delimiter);
  return folders.some((folder) => {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    } catch {
      return false;
    }
  });
}

/** As the device tree names it. */
function boardModel(): string | null {
  try {
    return readFileSync("/proc/device-tree/model", "utf8").replaceAll("\0", "");
  } catch {
    return null;
  }
}
