import { UserError } from "../../errors.js";
import type { Row } from "../../record/index.js";
import { openCellLog } from "../cell-log.js";
import { deathStatus } from "../death.js";
import { launchProcess } from "../launch-cell.js";
import { oomKills } from "../oom-killer.js";
import type { CellPasses, PassesJob } from "./passes.js";
import type { Answer } from "./process.js";

/** Passes that were run, or the status of the rows of passes that were not. */
export type Outcome =
  { readonly passes: CellPasses; readonly status: null } | { readonly passes: null; readonly status: Row };

/**
 * Times passes in a process of their own. With the profiler, launches on a GPU wait for their kernels there, so that a
 * node's time is that of its kernels; without it they do not, whatever this process's environment says. Throws an
 * AbortError when it is stopped, and what the process throws that is no status.
 */
export async function timePassesApart(
  job: PassesJob,
  logs: string | null,
  signal?: AbortSignal,
): Promise<Outcome> {
  signal?.throwIfAborted();
  using log = openCellLog(logs, `${job.cell.key}-profile`);
  const before = oomKills();
  const blocking = job.profilePrefix === null ? "0" : "1";
  const environment = { CUDA_LAUNCH_BLOCKING: blocking };
  const child = launchProcess("profile/process", { output: log.stdio, environment });
  log.follow(child);
  const kill = (): void => {
    child.kill("SIGKILL");
  };
  process.once("exit", kill);
  signal?.addEventListener("abort", kill);
  try {
    const ending = await new Promise<{
      answer: Answer | null;
      exitCode: number | null;
      signal: NodeJS.Signals | null;
      startError: string | null;
    }>((settle) => {
      let answer: Answer | null = null;
      child.on("message", (message: "ready" | Answer) => {
        if (message === "ready") child.send(job, () => undefined);
        else answer = message;
      });
      child.on("error", ({ message }) => {
        if (child.pid === undefined) settle({ answer, exitCode: null, signal: null, startError: message });
      });
      child.on("close", (exitCode, killedBy) => {
        settle({ answer, exitCode, signal: killedBy, startError: null });
      });
    });
    signal?.throwIfAborted();
    const { answer } = ending;
    if (answer?.type === "done") return { passes: answer.passes, status: null };
    if (answer?.type === "failed") return { passes: null, status: answer.status };
    if (answer) throw errorOf(answer);
    const oomKill = before === null ? null : (oomKills() ?? 0) > before;
    return {
      passes: null,
      status: deathStatus({ ...ending, samples: 0, log: log.tail(), oomKill, limit: null }),
    };
  } finally {
    process.off("exit", kill);
    signal?.removeEventListener("abort", kill);
  }
}

function errorOf({ name, message, stack }: Answer & { type: "error" }): Error {
  return name === "UserError" ? new UserError(message) : Object.assign(new Error(message), { name, stack });
}
