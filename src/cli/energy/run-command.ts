import { spawn } from "node:child_process";
import { constants } from "node:os";

/** How a command ended: by itself, by a signal, or not at all as it could not be started. */
export interface Ending {
  /** As a shell tells it: 128 and the signal's number, 127 for no such command, 126 for one that may not be run. */
  readonly code: number;
  readonly signal: NodeJS.Signals | null;
  /** Why it was not started, in one sentence. */
  readonly problem: string | null;
}

const PASSED_ON = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;

/** Keys of a terminal reach the whole group, the command included: passed on, they would come twice. */
const FROM_KEYBOARD: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT"];

/** Runs a command with this process's input and output; signals that this process gets are the command's. */
export async function runCommand([program, ...args]: readonly [string, ...string[]]): Promise<Ending> {
  // Before the command starts: one that comes as soon as it runs must not end this process instead. By the time a handler is
  // called, the command is there.
  const pass = (signal: NodeJS.Signals): void => {
    if (!(process.stdin.isTTY && FROM_KEYBOARD.includes(signal))) child.kill(signal);
  };
  for (const signal of PASSED_ON) process.on(signal, pass);
  const child = spawn(program, args, { stdio: "inherit" });
  try {
    return await new Promise<Ending>((resolve) => {
      child.once("error", (error: NodeJS.ErrnoException) => {
        if (child.pid === undefined) resolve(notStarted(program, error));
      });
      child.once("exit", (code, signal) => {
        resolve({ code: code ?? 128 + constants.signals[signal!], signal, problem: null });
      });
    });
  } finally {
    for (const signal of PASSED_ON) process.off(signal, pass);
  }
}

function notStarted(program: string, { code, message }: NodeJS.ErrnoException): Ending {
  if (code === "ENOENT") return { code: 127, signal: null, problem: `there is no command ${program}` };
  const why = code === "EACCES" ? "it may not be executed (EACCES)" : message;
  return { code: 126, signal: null, problem: `${program} could not be started: ${why}` };
}
