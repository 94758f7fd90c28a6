import type { ChildProcess } from "node:child_process";
import { UserError } from "../errors.js";
import type { CellEnd, FromCell, ToCell } from "./cell-messages.js";
import { openCellLog, type CellLog } from "./cell-log.js";
import { columnsOf } from "./columns-of.js";
import { deathStatus } from "./death.js";
import { Guard, type Limit } from "./guard.js";
import { launchCell } from "./launch-cell.js";
import type { Sweep } from "./measure-model.js";
import { oomKills } from "./oom-killer.js";
import { cellName, rowsOf, type Todo } from "./work.js";

export interface IsolatedOptions {
  /** Longest time in seconds from the start of a cell, or of its process, to its end; absent: no limit. */
  readonly timeoutS?: number;
  /** Folder of the cells' logs, made when needed; null keeps them in memory. */
  readonly logs: string | null;
  /** Modules (URLs) that the process imports first: tests make it crash with them. */
  readonly preload?: readonly string[];
}

/**
 * Measures a cell, or cells of one model over the same weights, in a process of its own, and returns those that it did not
 * come to. A process that dies, or that takes too long or too much memory and is killed, is a row of the cell in flight,
 * after the rows that it had sent; it never ends the sweep. An error that it reports and that is no row (a UserError, a
 * defect of ours) is thrown here, as is an AbortError when the sweep was stopped. Returns when the process is gone, and with
 * it all it held on the device.
 */
export async function measureIsolated(
  batch: readonly Todo[],
  sweep: Sweep,
  options: IsolatedOptions,
): Promise<readonly Todo[]> {
  sweep.signal?.throwIfAborted();
  using log = openCellLog(options.logs, batch[0]!.cell.key);
  const oomKillsBefore = oomKills();
  const { end, failure, index, ...death } = await converse(batch, sweep, log, options);
  const todo = batch[index]!;
  const { cell } = todo;
  const left = batch.slice(index + 1);
  if (failure) throw failure;
  if (end?.type === "done") return left;
  sweep.signal?.throwIfAborted();
  if (end?.type === "error") throw errorOf(end);
  // All that was to be measured is there: how the process ended is no news of the cell.
  if (death.samples === rowsOf(todo)) {
    sweep.progress.line(`${cellName(cell)}: all samples taken, but its process did not end in good order`);
    return left;
  }
  const status = deathStatus({
    ...death,
    log: log.tail(),
    oomKill: oomKillsBefore === null ? null : (oomKills() ?? 0) > oomKillsBefore,
  });
  sweep.add({ ...columnsOf(todo, sweep.common), measured_at: new Date().toISOString(), ...status });
  sweep.progress.line(`${cellName(cell)}: ${status.status_reason}`);
  return left;
}

function errorOf({ name, message, stack }: CellEnd & { type: "error" }): Error {
  return name === "UserError" ? new UserError(message) : Object.assign(new Error(message), { name, stack });
}

/** How a process ended, and what it had sent before. */
interface Ending {
  /** Its last message; null when it died without one. */
  readonly end: CellEnd | null;
  /** Which of its cells was in flight, and how many samples of that it had sent. */
  readonly index: number;
  readonly samples: number;
  readonly limit: Limit | null;
  /** Why we ended it: a row that could not be written. */
  readonly failure: Error | null;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly startError: string | null;
}

async function converse(
  batch: readonly Todo[],
  sweep: Sweep,
  log: CellLog,
  { preload = [], timeoutS }: IsolatedOptions,
): Promise<Ending> {
  let child: ChildProcess;
  try {
    child = launchCell(log.stdio, preload);
  } catch (error) {
    const startError = (error as Error).message;
    const nothing = { end: null, index: 0, samples: 0, limit: null, failure: null };
    return { ...nothing, exitCode: null, signal: null, startError };
  }
  log.follow(child);
  using conversation = new Conversation(child, batch, sweep, timeoutS);
  return await conversation.ending();
}

/** How long a process may take to release what it holds, once all is said; native code may hang there. */
const RELEASE_MS = 10_000;

/** This side of the talk with one process. */
class Conversation implements Disposable {
  readonly #child: ChildProcess;
  readonly #batch: readonly Todo[];
  readonly #sweep: Sweep;
  readonly #guard: Guard;
  #working = false;
  #index = 0;
  #samples = 0;
  #end: CellEnd | null = null;
  #failure: Error | null = null;
  #release: NodeJS.Timeout | undefined;

  constructor(child: ChildProcess, batch: readonly Todo[], sweep: Sweep, timeoutS: number | undefined) {
    this.#child = child;
    this.#batch = batch;
    this.#sweep = sweep;
    this.#guard = new Guard(child, timeoutS);
    this.#guard.watch(batch[0]!.cell);
    // A second Ctrl-C exits at once; so must the process.
    process.once("exit", this.#kill);
    sweep.signal?.addEventListener("abort", this.#abort);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#release);
    this.#guard[Symbol.dispose]();
    process.off("exit", this.#kill);
    this.#sweep.signal?.removeEventListener("abort", this.#abort);
  }

  /** Passes on what the process sends until it is gone. */
  ending(): Promise<Ending> {
    const child = this.#child;
    return new Promise((settle) => {
      const ended = (exitCode: number | null, signal: NodeJS.Signals | null, startError: string | null) => {
        const said = { end: this.#end, index: this.#index, samples: this.#samples, failure: this.#failure };
        settle({ ...said, limit: this.#guard.passed, exitCode, signal, startError });
      };
      child.on("message", (message: FromCell) => {
        try {
          this.#receive(message);
        } catch (error) {
          this.#fail(error);
        }
      });
      child.on("error", (error) => {
        if (child.pid === undefined) ended(null, null, error.message);
      });
      // After `exit`, and after the last message and the last output.
      child.on("close", (exitCode, signal) => {
        ended(exitCode, signal, null);
      });
    });
  }

  #receive(message: FromCell): void {
    const { add, common, energy, progress, warmUp } = this.#sweep;
    switch (message.type) {
      case "ready":
        this.#working = true;
        this.#send({
          type: "measure",
          job: { todo: this.#batch, common, warmUp, energy: energy && energy.settings },
        });
        break;
      case "begin":
        // After a cell that went wrong, a fresh process takes the next.
        if (this.#end) this.#kill();
        else void this.#begin(message.index);
        break;
      case "row":
        if (this.#end) break;
        add(message.row);
        // A skipped row is of an energy that no sensor tells.
        if (message.row.status === "ok" || message.row.status === "skipped") this.#samples++;
        // The cell is over; whether a broken device can be released in good order is no news.
        else this.#over({ type: "done" });
        break;
      case "step":
        progress.step(message.work, message.note);
        break;
      case "line":
        progress.line(message.text);
        break;
      default:
        this.#over(message);
    }
  }

  async #begin(index: number): Promise<void> {
    const todo = this.#batch[index]!;
    [this.#index, this.#samples] = [index, 0];
    this.#guard.rest();
    try {
      const wanted = await this.#sweep.begin(todo, this.#child.pid!);
      if (wanted) this.#guard.watch(todo.cell);
      else this.#samples = rowsOf(todo);
      this.#send({ type: "go", wanted });
    } catch (error) {
      // Stopped while it waited: the process was told.
      if (!this.#sweep.signal?.aborted) this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= error as Error;
    this.#kill();
  }

  #over(end: CellEnd): void {
    this.#end ??= end;
    this.#guard.rest();
    this.#release ??= setTimeout(this.#kill, RELEASE_MS);
  }

  /** A process that cannot be told is about to end, and `close` says how. */
  #send(message: ToCell): void {
    this.#child.send(message, () => undefined);
  }

  readonly #kill = (): void => {
    this.#child.kill("SIGKILL");
  };

  /** The generation in flight ends as it does in this process; before there is one, there is nothing to wait for. */
  readonly #abort = (): void => {
    if (this.#working) this.#send({ type: "abort" });
    else this.#kill();
  };
}
