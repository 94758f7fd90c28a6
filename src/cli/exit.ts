import { CommanderError } from "commander";
import { UserError } from "../errors.js";

export const EXIT = { failed: 1, wrongInput: 2, interrupted: 130 } as const;

/** Ends a command with a code when its work is done but not all of it went well; the command has said why. */
export class ExitError extends Error {
  override readonly name = "ExitError";
  constructor(readonly code: number) {
    super(`exit code ${code}`);
  }
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof ExitError) return error.code;
  // Help and version end through an error of code 0; a wrong option is the user's to put right.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT.wrongInput;
  if (error instanceof UserError) return EXIT.wrongInput;
  if (isInterruption(error)) return EXIT.interrupted;
  if (fileProblem(error) !== null) return EXIT.wrongInput;
  return EXIT.failed;
}

/** One sentence for what the user can put right, the whole stack for what only we can. */
export function explain(error: unknown): void {
  if (error instanceof ExitError || error instanceof CommanderError) return;
  if (isInterruption(error))
    console.error(`ssm-scope: ${error.name === "AbortError" ? "interrupted" : error.message}`);
  else if (error instanceof UserError) console.error(`ssm-scope: ${error.message}`);
  else console.error(fileProblem(error) ?? error);
}

/** What the system says of a path that the user named, in words; any other code is a defect of ours. */
const FILE_PROBLEMS: Partial<Record<string, string>> = {
  EACCES: "no permission",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  EEXIST: "a file of that name is in the way",
  ENOTDIR: "a part of the path is not a folder",
  EISDIR: "it is a folder",
  ENOSPC: "no space is left",
  ENOENT: "there is no such file or folder",
};

/** One sentence for a path that cannot be read or written, or null. */
function fileProblem(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const { code, path } = error as NodeJS.ErrnoException;
  const problem = FILE_PROBLEMS[code ?? ""];
  return problem && path ? `ssm-scope: ${path}: ${problem} (${code})` : null;
}

/** A sweep that was stopped, or any other work that its signal ended. */
const isInterruption = (error: unknown): error is Error =>
  error instanceof Error && (error.name === "InterruptedError" || error.name === "AbortError");

/** Runs work that Ctrl-C stops after the step in flight; a second Ctrl-C ends the process at once. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const onInterrupt = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    console.error("\nstopping after the step in flight; Ctrl-C again to end at once");
    controller.abort();
  };
  process.on("SIGINT", onInterrupt);
  process.on("SIGTERM", onInterrupt);
  try {
    return await work(controller.signal);
  } finally {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onInterrupt);
  }
}
