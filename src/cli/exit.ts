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
  return EXIT.failed;
}

/** One sentence for what the user can put right, the whole stack for what only we can. */
export function explain(error: unknown): void {
  if (error instanceof ExitError || error instanceof CommanderError) return;
  if (isInterruption(error))
    console.error(`ssm-scope: ${error.name === "AbortError" ? "interrupted" : error.message}`);
  else console.error(error instanceof UserError ? `ssm-scope: ${error.message}` : error);
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
