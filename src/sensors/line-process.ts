import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../errors.js";
import { excerpt, LineCutter } from "./lines.js";
import type { Reader } from "./reader.js";
import { SampleQueue } from "./sample-queue.js";
import { iterate, warnOnce, type OpenOptions, type OpenSensor } from "./sensor.js";

export interface LineProcess {
  /** The program and its arguments. */
  command: readonly [string, ...string[]];
  reader: Reader;
  /** Lines that are no readings and no news. */
  isHeader?: (line: string) => boolean;
  silentAfterMs: number;
  /** A sentence: what the program is, where it comes from. */
  missing: string;
}

type Process = ChildProcessByStdio<null, Readable, Readable>;

const STOP_WITHIN_MS = 1000;

/** A program that prints readings line by line, from now to `close`. Throws `UserError` where it cannot be started. */
export async function openLineProcess(program: LineProcess, options: OpenOptions): Promise<OpenSensor> {
  const [name, ...args] = program.command;
  let child: Process;
  try {
    child = spawn(name, args, { stdio: ["ignore", "pipe", "pipe"] });
    await once(child, "spawn");
  } catch (error) {
    throw new UserError(startFailure(program, error as NodeJS.ErrnoException), { cause: error });
  }
  return follow(child, program, options);
}

/** Pumps the output of a process that runs into a queue, stamped at receipt. */
function follow(child: Process, program: LineProcess, options: OpenOptions): OpenSensor {
  const {
    reader,
    silentAfterMs,
    isHeader = () => false,
    command: [name],
  } = program;
  const { clock = () => performance.now() } = options;
  const { warn, last } = warnOnce(options);
  const queue = new SampleQueue();
  const lines = new LineCutter();
  let count = 0;
  let noise = "";
  let errors = "";
  let closing = false;

  const silence = setTimeout(() => {
    const since = count === 0 ? "since it was started" : `after ${count} readings`;
    warn("silent", `${name} runs but has printed no reading for ${silentAfterMs} ms ${since}.`);
  }, silentAfterMs);

  child.stdout.on("data", (chunk: Buffer) => {
    const at_ms = clock();
    for (const line of lines.push(chunk)) {
      const reading = reader.read(line);
      if (reading === null) {
        if (line.trim() !== "" && !isHeader(line)) noise = line;
        continue;
      }
      count++;
      silence.refresh();
      for (const [key, sentence] of reading.warnings) warn(key, sentence);
      queue.push({ at_ms, device: reading.device, values: reading.values });
      if (queue.dropped > 0)
        warn("dropped", `Readings of ${name} are not fetched: the oldest are dropped from now on.`);
    }
  });
  child.stderr.on("data", (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-500)));

  // Emitted where it may not be signalled, as one under sudo: what `close` does beside ends it.
  child.on("error", () => undefined);
  // A process that the program left behind, or a wrapper's, may hold the pipe open for ever.
  child.once("exit", () => setTimeout(() => child.stdout.destroy(), 200).unref());
  const ended = new Promise<void>((resolve) => {
    child.once("close", (code, signal) => {
      clearTimeout(silence);
      if (!closing) warn("ended", death(name, code, signal, count, errors.trim() || noise));
      queue.end();
      resolve();
    });
  });

  const sensor: OpenSensor = {
    sample: () => queue.next(),
    get problem() {
      return last();
    },
    get lost() {
      return queue.dropped;
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

function startFailure(
  { command: [name], missing }: LineProcess,
  { code, message }: NodeJS.ErrnoException,
): string {
  if (code === "ENOENT") return missing;
  if (code === "EACCES") return `${name} may not be run by this user: give it the right to execute the file.`;
  return `${name} could not be started: ${message}.`;
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

/** Whether a name is a program that this user may run. */
export function isProgram(name: string): boolean {
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

/** A command as an option: a program and its arguments. Throws `UserError` for one without a program. */
export function checkCommand(command: readonly string[], of: string, example: string): [string, ...string[]] {
  const [program, ...args] = command;
  if (program === undefined || program === "")
    throw new UserError(`The command of ${of} is empty: name the program, e.g. ${example}.`);
  return [program, ...args];
}
