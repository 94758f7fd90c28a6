/**
 * What went wrong in a cell, as Jupyter's `error` message states it. tslab only prints it to standard error, so
 * a front end cannot tell a failed cell from a talkative one.
 */
import { fileURLToPath } from "node:url";
import { format, inspect } from "node:util";

export interface CellError {
  ename: string;
  evalue: string;
  /** Lines of text, as the front end shows them. */
  traceback: string[];
}

/** How tslab's executor formats a compiler message: file, line, column, text. */
const DIAGNOSTIC = "%s%d:%d - %s";

/** Frames that tell the author of a cell nothing: Node, packages, the kernel and this library. */
const isInternal = (frame: string): boolean =>
  /[( ]node:|\(<anonymous>\)$|[\\/]node_modules[\\/]/.test(frame) ||
  OURS.some((folder) => frame.includes(folder));

/** Folder of this library's modules, in both ways in which frames name it. */
const FOLDER = new URL("..", import.meta.url);
const OURS = [FOLDER.href, fileURLToPath(FOLDER)];

/** Node's name for code without a file. Its line numbers count in what the compiler made of the cell. */
const NO_FILE = "evalmachine.<anonymous>";

const INTERRUPTED: CellError = {
  ename: "Interrupted",
  evalue: "the cell was interrupted",
  traceback: ["Interrupted: the cell was interrupted"],
};

/** From one call of the executor's `console.error` to the error it reports. */
export function cellError(args: readonly unknown[]): CellError {
  return args[0] === DIAGNOSTIC ? compilerError(format(...args)) : thrownError(args[0]);
}

function compilerError(message: string): CellError {
  const hint = message.includes("Cannot find module 'ssm-scope")
    ? [
        "ssm-scope is looked up in node_modules from the notebook's folder upwards: npm install ssm-scope there",
      ]
    : [];
  return { ename: "TypeScriptError", evalue: message, traceback: [message, ...hint] };
}

function thrownError(thrown: unknown): CellError {
  if (!(thrown instanceof Error)) {
    const evalue = typeof thrown === "string" ? thrown : inspect(thrown);
    return { ename: "Thrown", evalue, traceback: [`Thrown: ${evalue}`] };
  }
  if (isInterrupt(thrown)) return INTERRUPTED;
  // The caller's own mistake: the sentence says it all (src/errors.ts).
  const traceback = thrown.name === "UserError" ? [`UserError: ${thrown.message}`] : errorLines(thrown);
  return { ename: thrown.name, evalue: thrown.message, traceback };
}

/** Name, message and the cell's own frames, then the same of the cause and of the errors that one stands for. */
function errorLines(error: Error): string[] {
  const { name, message, stack = "", cause } = error;
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line) && !isInternal(line));
  const because = cause === undefined ? [] : nested("cause", cause);
  const parts = error instanceof AggregateError ? error.errors.flatMap((part) => nested("error", part)) : [];
  return [
    ...(message === "" ? name : `${name}: ${message}`).split("\n"),
    ...frames.map((frame) => frame.replace(NO_FILE, "compiled cell")),
    ...because,
    ...parts,
  ];
}

const nested = (role: string, thrown: unknown): string[] => {
  const [first, ...rest] = thrown instanceof Error ? errorLines(thrown) : [inspect(thrown)];
  return [`  [${role}]: ${first}`, ...rest.map((line) => `  ${line}`)];
};

/** tslab rejects a waiting cell with this message; `vm` stops a busy one with this code. */
function isInterrupt(error: Error & { code?: unknown }): boolean {
  return error.message === "Interrupted asynchronously" || error.code === "ERR_SCRIPT_EXECUTION_INTERRUPTED";
}

/** Several compiler messages are one error of the cell. */
export function joinErrors(errors: readonly CellError[]): CellError | null {
  const first = errors[0];
  return first ? { ...first, traceback: errors.flatMap((error) => error.traceback) } : null;
}
