import { type ChildProcess, fork } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const EXTENSION = extname(import.meta.url);

/** In a checkout's src, the process needs the loader that this one has. */
const loader = (): string[] => (EXTENSION === ".ts" ? ["--import", import.meta.resolve("tsx")] : []);

/** How a process of this folder is started. */
interface Launch {
  /** Where it prints: a file, or pipes. */
  readonly output: number | "pipe";
  /** Modules (URLs) that it imports first. */
  readonly preload?: readonly string[];
  /** Variables that it gets beside ours. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts cell-process.ts: see `launchProcess`. */
export const launchCell = (output: number | "pipe", preload: readonly string[]): ChildProcess =>
  launchProcess("cell-process", { output, preload });

/**
 * Starts a module of this folder as a process. It takes over this process's environment and folder only: our own arguments
 * may be a test runner's, a kernel's or a debugger's, and so may NODE_OPTIONS. It stays in our group, so that what stops the
 * group stops it.
 */
export function launchProcess(
  name: string,
  { output, preload = [], environment = {} }: Launch,
): ChildProcess {
  const { NODE_OPTIONS, NODE_TEST_CONTEXT, ...env } = process.env;
  return fork(fileURLToPath(new URL(`./${name}${EXTENSION}`, import.meta.url)), [], {
    execArgv: [...loader(), ...preload.flatMap((url) => ["--import", url])],
    env: { ...env, ...environment },
    serialization: "advanced",
    stdio: ["ignore", output, output, "ipc"],
  });
}
