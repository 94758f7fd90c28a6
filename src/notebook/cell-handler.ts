/**
 * Runs cells and says what they put out in the words of Jupyter's iopub channel. Both front ends use it: the
 * kernel sends these messages through ZeroMQ, `ssm-scope notebook run` through a pipe to its parent.
 *
 * To tslab's handler it adds what Jupyter's protocol asks for and tslab 1.0.22 leaves out: `execute_input`, the
 * value of the last expression as `execute_result`, and the error of a failed cell as `error` message and in
 * the reply (without which `jupyter execute` fails with an empty message).
 */
import { setTimeout as delay } from "node:timers/promises";
import { type CellError, cellError, joinErrors } from "./cell-error.js";
import { lendDisplay, mimeBundle } from "./display.js";
import { joinStreams } from "./join-streams.js";
import { lendModules } from "./lend-modules.js";
import { spellOutShorthands } from "./spell-out.js";
import { createExecutor, loadCompiler, loadJupyter, typescriptVersion } from "./tslab.js";
import type { ExecuteReply, ExecuteRequest, JupyterHandler, WriteDisplayData, WriteStream } from "./tslab.js";

/** Says what a cell puts out: a message's type and content on Jupyter's iopub channel. */
export type Publish = (type: string, content: object) => void;

/** Words to the reader that no cell asked for. */
export interface Notice {
  stream: "stdout" | "stderr";
  text: string;
}

export interface CellHandler extends JupyterHandler {
  /** Runs a cell of the kernel's own, before the first of a reader: it is not counted and shows nothing. */
  prepare(code: string): Promise<CellError | null>;
  /** Shows a notice with the first cell that runs from now on. */
  notify(notice: Notice): void;
  /** Runs one cell after those asked for earlier; a failed cell cancels the ones already waiting behind it. */
  execute(request: ExecuteRequest, publish: Publish): Promise<ExecuteReply>;
  /** Stops a waiting (`await`) cell; a busy one is stopped by SIGINT itself. */
  interrupt(): void;
}

/** For how long after an error tslab cancels the requests that arrive (`execQueue.reset` in its jupyter.js). */
const CANCEL_MS = 200;

/** What the executor reported while the present cell ran. */
interface Reports {
  errors: CellError[];
  results: unknown[];
}

/** Where a request's messages go, and what went wrong with it. */
interface Progress {
  publish: Publish;
  failure?: CellError;
}

/** The handler for TypeScript cells in the process's working folder. */
export function createCellHandler(): CellHandler {
  lendModules(process.cwd());
  lendDisplay();
  let reports: Reports = { errors: [], results: [] };
  const notices: Notice[] = [];
  const executor = createExecutor({
    log: (value) => reports.results.push(value),
    error: (...args) => reports.errors.push(cellError(args)),
  });
  const compiler = loadCompiler();
  const requests = new WeakMap<ExecuteRequest, Progress>();

  class Handler extends loadJupyter().JupyterHandlerImpl implements CellHandler {
    override handleKernel(): { language_info: Record<string, unknown> } {
      const info = super.handleKernel();
      return { ...info, language_info: { ...info.language_info, version: typescriptVersion() } };
    }

    async prepare(code: string): Promise<CellError | null> {
      reports = { errors: [], results: [] };
      await executor.execute(code);
      return joinErrors(reports.errors);
    }

    notify(notice: Notice): void {
      notices.push(notice);
    }

    async execute(request: ExecuteRequest, send: Publish): Promise<ExecuteReply> {
      const { print, publish, flush } = joinStreams(send);
      const progress: Progress = { publish };
      requests.set(request, progress);
      const reply = await this.handleExecute(request, print, (data, update) => {
        publish(update ? "update_display_data" : "display_data", data);
      });
      flush();
      // A front end that goes on after the error (`raises-exception`, --allow-errors) must not be cancelled too.
      if (reply.status === "error") await delay(CANCEL_MS);
      // tslab says "abort", the protocol "aborted".
      if (reply.status === "abort") return { ...reply, status: "aborted" };
      return { ...reply, ...progress.failure };
    }

    interrupt(): void {
      executor.interrupt();
    }

    protected override async handleExecuteImpl(
      request: ExecuteRequest,
      print: WriteStream,
      display: WriteDisplayData,
    ): Promise<unknown> {
      const progress = requests.get(request)!;
      const { errors, results } = (reports = { errors: [], results: [] } as Reports);
      const execution_count = this.execCount + 1;
      progress.publish("execute_input", { code: request.code, execution_count });
      for (const { stream, text } of notices.splice(0)) print(stream, `${text}\n`);
      try {
        const code = spellOutShorthands(request.code, compiler);
        const count = await super.handleExecuteImpl({ ...request, code }, print, display);
        // A cell may succeed with compiler messages: `@module` cells are registered in spite of them.
        for (const { traceback } of errors) print("stderr", `${traceback.join("\n")}\n`);
        for (const value of results) {
          const data = await mimeBundle(value).catch((thrown: unknown) => {
            errors.push(cellError([thrown]));
            throw count;
          });
          progress.publish("execute_result", { execution_count, data, metadata: {} });
        }
        return count;
      } catch (count) {
        const failure = joinErrors(errors);
        if (failure) {
          progress.failure = failure;
          progress.publish("error", failure);
        }
        throw count;
      }
    }
  }

  return new Handler(executor, false);
}

/** As tslab's own kernel does: a stray rejection is shown in the cell's standard error and ends nothing. */
export function surviveStrayErrors(): void {
  process.on("uncaughtException", (error) => {
    console.error("Uncaught exception:", error);
  });
  process.on("unhandledRejection", (reason) => {
    console.error("Unhandled rejection (a promise without await?):", reason);
  });
}
