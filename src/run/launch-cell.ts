import { type ChildProcess, fork } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const EXTENSION = extname(import.meta.url);
const CELL_PROCESS = fileURLToPath(new URL(`./cell-process${EXTENSION}`, import.meta.url));

/** In a checkout's src, the process needs the loader that this one has. */
const loader = (): string[] => (EXTENSION === ".ts" ? ["--import", import.meta.resolve("tsx")] : []);

/**
 * Starts cell-process.ts. It takes over this process's environment and folder only: our own arguments may be a test
 * runner's, a kernel's or a debugger's, and so may NODE_OPTIONS. It stays in our group, so that what stops the group
 * stops it.
 *
 * @param output where it prints: a file, or pipes
 * @param preload modules (URLs) that it imports first
 */
export function launchCell(output: number | "pipe", preload: readonly string[]): ChildProcess {
  const { NODE_OPTIONS, NODE_TEST_CONTEXT, ...env } = process.env;
  return fork(CELL_PROCESS, [], {
    execArgv: [...loader(), ...preload.flatMap((url) => ["--import", url])],
    env,
    serialization: "advanced",
    stdio: ["ignore", output, output, "ipc"],
  });
}
