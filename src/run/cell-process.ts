/**
 * The process that measures a cell, or the cells of one model, and ends: what native code does to it, it does to the cell
 * in flight only. Started by isolated.ts, which sends the job; rows and progress go back as messages, everything printed to
 * the cell's log.
 */
import type { Row } from "../record/index.js";
import { findEnergySource } from "../sensors/energy/find-source.js";
import type { CellEnd, FromCell, Job, ToCell } from "./cell-messages.js";
import { columnsOf } from "./columns-of.js";
import { measureModel } from "./measure-model.js";
import { failureColumns } from "./rows.js";

const stop = new AbortController();

/** A message that cannot be sent has lost its reader: `disconnect` ends the process then. */
function send(message: FromCell, sent: () => void = () => undefined): void {
  process.send?.(message, undefined, undefined, sent);
}

/** Settles the question whether the next cell is wanted. */
let answer: (wanted: boolean) => void = () => undefined;

async function measure({ common, warmUp, energy, todo }: Job): Promise<CellEnd> {
  let current = todo[0]!;
  const add = (row: Row): void => {
    send({ type: "row", row });
  };
  try {
    await measureModel(todo, {
      add,
      common,
      warmUp,
      energy: energy && { settings: energy, find: findEnergySource },
      progress: {
        step: (work, note) => {
          send({ type: "step", work, note });
        },
        line: (text) => {
          send({ type: "line", text });
        },
      },
      signal: stop.signal,
      begin: (next) => {
        current = next;
        return new Promise<boolean>((settle) => {
          answer = settle;
          send({ type: "begin", index: todo.indexOf(next) });
        }).finally(() => {
          stop.signal.throwIfAborted();
        });
      },
    });
    return { type: "done" };
  } catch (error) {
    if (stop.signal.aborted) return { type: "stopped" };
    // Opening the device failed, before any generator could report it: that too concerns this process only.
    const status = failureColumns(error);
    if (!status) return errorMessage(error);
    add({ ...columnsOf(current, common), measured_at: new Date().toISOString(), ...status });
    return { type: "done" };
  }
}

function errorMessage(error: unknown): CellEnd {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  return { type: "error", name, message, stack: stack ?? message };
}

// Nobody waits for the result any more. Killed, not exited: handlers of native libraries would wait for work in flight.
process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
// Ctrl-C and the end of a job reach the whole group; the parent decides and says so.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => undefined);
process.on("message", (message: ToCell) => {
  if (message.type === "abort") {
    stop.abort();
    answer(false);
  } else if (message.type === "go") answer(message.wanted);
  else
    void measure(message.job).then((end) => {
      send(end, () => process.exit(0));
    });
});
send({ type: "ready" });
