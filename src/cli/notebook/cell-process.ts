/** The parent's side of cells-main.ts: one process a notebook, one cell at a time, stopped at a time limit. */
import { type ChildProcess, fork } from "node:child_process";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { UserError } from "../../errors.js";
import type { OutputMessage } from "./ipynb.js";
import { flagOfKernel } from "./prepare-kernel.js";

const MAIN = resolve(import.meta.dirname, "../../../dist/cli/notebook/cells-main.js");

/** How a cell ended; but for `ok` and `failed` the process is gone and no later cell can run. */
export type CellEnd = "ok" | "failed" | "timed out" | "interrupted" | "died";

/** Groups exist on POSIX only: with one, the processes that a cell started are stopped too. */
const OWN_GROUP = process.platform !== "win32";

export class CellProcess {
  readonly #child: ChildProcess;
  readonly #abort: AbortSignal | undefined;

  private constructor(child: ChildProcess, abort: AbortSignal | undefined) {
    this.#child = child;
    this.#abort = abort;
  }

  /** Starts the process in a notebook's folder, as the kernel of that name would start; resolves with it and the kernel's `language_info`. */
  static async start(folder: string, kernel: unknown, abort?: AbortSignal) {
    if (!existsSync(MAIN)) throw new UserError(`${MAIN} is missing: run \`npm run build\` first`);
    const flag = flagOfKernel(kernel);
    const child = fork(MAIN, flag ? [flag] : [], {
      cwd: folder,
      execArgv: [],
      // What a cell's child processes print is no output of the cell: it goes where our progress goes.
      stdio: ["ignore", process.stderr, process.stderr, "ipc"],
      detached: OWN_GROUP,
    });
    const cells = new CellProcess(child, abort);
    let language: Record<string, unknown> = {};
    const end = await cells.#converse(({ type, content }) => {
      if (type !== "ready") return null;
      language = content;
      return "ok";
    });
    if (end === "ok") return { cells, language };
    cells.kill();
    abort?.throwIfAborted();
    throw new Error(`the process for cells ${end} before it was ready (${MAIN})`);
  }

  /** Runs one cell; what it puts out goes to `onOutput`. `timeoutS` is Infinity or the limit in seconds. */
  async run(code: string, timeoutS: number, onOutput: (message: OutputMessage) => void): Promise<CellEnd> {
    const end = this.#converse((message) => {
      if (message.type !== "execute_reply") {
        onOutput(message);
        return null;
      }
      return message.content.status === "ok" ? "ok" : "failed";
    }, timeoutS);
    this.#child.send(code, () => undefined);
    const how = await end;
    if (how === "timed out" || how === "interrupted") this.kill();
    return how;
  }

  /** Ends the process and all that its cells started. */
  kill(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(OWN_GROUP ? -pid : pid, "SIGKILL");
    } catch {
      // It has ended already.
    }
  }

  /** Listens until `listener` says how it ended, the process ends, time is up or the caller aborts. */
  #converse(listener: (message: OutputMessage) => CellEnd | null, timeoutS = Infinity): Promise<CellEnd> {
    const child = this.#child;
    return new Promise((settle) => {
      const finish = (end: CellEnd): void => {
        clearTimeout(timer);
        child.off("message", onMessage).off("exit", onExit).off("error", onExit);
        this.#abort?.removeEventListener("abort", onAbort);
        settle(end);
      };
      const onMessage = (message: unknown): void => {
        const end = listener(message as OutputMessage);
        if (end) finish(end);
      };
      const onExit = (): void => {
        finish("died");
      };
      const onAbort = (): void => {
        finish("interrupted");
      };
      const timer = Number.isFinite(timeoutS)
        ? setTimeout(finish, timeoutS * 1000, "timed out" satisfies CellEnd)
        : undefined;
      child.on("message", onMessage).on("exit", onExit).on("error", onExit);
      this.#abort?.addEventListener("abort", onAbort);
      if (this.#abort?.aborted) onAbort();
      else if (child.exitCode !== null || child.signalCode !== null) onExit();
    });
  }
}
