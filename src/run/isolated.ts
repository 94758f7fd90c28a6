import type { ChildProcess } from "node:child_process";
import { UserError } from "../errors.js";
import type { CellEnd, FromCell, ToCell } from "./cell-messages.js";
import { openCellLog, type CellLog } from "./cell-log.js";
import { deathStatus } from "./death.js";
import { launchCell } from "./launch-cell.js";
import { columnsOf, type Sweep } from "./measure-model.js";
import { oomKills } from "./oom-killer.js";
import { cellName, rowsOf, type Todo } from "./work.js";

export interface IsolatedOptions {
  /** Folder of the cells' logs, made when needed; null keeps them in memory. */
  readonly logs: string | null;
  /** Modules (URLs) that the process imports first: tests make it crash with them. */
  readonly preload?: readonly string[];
}

/**
 * Measures one cell in a process of its own. A process that dies is a row of its cell, after the rows that it had sent;
 * it never ends the sweep. An error that it reports and that is no row (a UserError, a defect of ours) is thrown here, as
 * is an AbortError when the sweep was stopped. Returns when the process is gone, and with it all it held on the device.
 */
export async function measureIsolated(todo: Todo, sweep: Sweep, options: IsolatedOptions): Promise<void> {
  sweep.signal?.throwIfAborted();
  const { cell } = todo;
  using log = openCellLog(options.logs, cell.key);
  const oomKillsBefore = oomKills();
  const { end, failure, ...death } = await converse(todo, sweep, log, options.preload ?? []);
  if (failure) throw failure;
  if (end?.type === "done") return;
  sweep.signal?.throwIfAborted();
  if (end?.type === "error") throw errorOf(end);
  // All that was to be measured is there: how the process ended is no news of the cell.
  if (death.samples === rowsOf(todo)) {
    sweep.progress.line(`${cellName(cell)}: all samples taken, but its process did not end in good order`);
    return;
  }
  const status = deathStatus({
    ...death,
    log: log.tail(),
    oomKill: oomKillsBefore === null ? null : (oomKills() ?? 0) > oomKillsBefore,
  });
  sweep.add({ ...columnsOf(cell, sweep.common), measured_at: new Date().toISOString(), ...status });
  sweep.progress.line(`${cellName(cell)}: ${status.status_reason}`);
}

function errorOf({ name, message, stack }: CellEnd & { type: "error" }): Error {
  return name === "UserError" ? new UserError(message) : Object.assign(new Error(message), { name, stack });
}

/** How a process ended, and what it had sent before. */
interface Ending {
  /** Its last message; null when it died without one. */
  readonly end: CellEnd | null;
  readonly samples: number;
  /** Why we ended it: a row that could not be written. */
  readonly failure: Error | null;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly startError: string | null;
}

async function converse(todo: Todo, sweep: Sweep, log: CellLog, preload: readonly string[]): Promise<Ending> {
  let child: ChildProcess;
  try {
    child = launchCell(log.stdio, preload);
  } catch (error) {
    const startError = (error as Error).message;
    return { end: null, samples: 0, failure: null, exitCode: null, signal: null, startError };
  }
  log.follow(child);
  using conversation = new Conversation(child, todo, sweep);
  return await conversation.ending();
}

/** How long a process may take to release what it holds, once all is said; native code may hang there. */
const RELEASE_MS = 10_000;

/** This side of the talk with one process. */
class Conversation implements Disposable {
  readonly #child: ChildProcess;
  readonly #todo: Todo;
  readonly #sweep: Sweep;
  #working = false;
  #samples = 0;
  #end: CellEnd | null = null;
  #failure: Error | null = null;
  #release: NodeJS.Timeout | undefined;

  constructor(child: ChildProcess, todo: Todo, sweep: Sweep) {
    this.#child = child;
    this.#todo = todo;
    this.#sweep = sweep;
    // A second Ctrl-C exits at once; so must the process.
    process.once("exit", this.#kill);
    sweep.signal?.addEventListener("abort", this.#abort);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#release);
    process.off("exit", this.#kill);
    this.#sweep.signal?.removeEventListener("abort", this.#abort);
  }

  /** Passes on what the process sends until it is gone. */
  ending(): Promise<Ending> {
    const child = this.#child;
    return new Promise((settle) => {
      const ended = (exitCode: number | null, signal: NodeJS.Signals | null, startError: string | null) => {
        const said = { end: this.#end, samples: this.#samples, failure: this.#failure };
        settle({ ...said, exitCode, signal, startError });
      };
      child.on("message", (message: FromCell) => {
        try {
          this.#receive(message);
        } catch (error) {
          this.#failure ??= error as Error;
          this.#kill();
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
          job: { ...this.#todo, common, warmUp, energy: energy && energy.settings },
        });
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

  #over(end: CellEnd): void {
    this.#end ??= end;
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
