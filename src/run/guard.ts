import type { ChildProcess } from "node:child_process";
import { processRss } from "../sensors/host.js";
import type { AnyCell } from "./plan.js";

/** What a cell's process was killed for, by us. */
export type Limit =
  | { readonly of: "time"; readonly seconds: number }
  | { readonly of: "memory"; readonly bytes: number; readonly residentBytes: number };

/** How often resident memory is read. A process may take more between two readings, and is killed that much later. */
const EVERY_MS = 50;

/**
 * Kills a cell's process that takes too long, or on the CPU more memory than the cell's budget. Resident memory is watched,
 * as a limit of the address space (`ulimit -v`) would count what is reserved and never touched.
 */
export class Guard implements Disposable {
  readonly #child: ChildProcess;
  readonly #timeoutS: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;
  /** The limit that was passed; null while none was. */
  passed: Limit | null = null;

  constructor(child: ChildProcess, timeoutS: number | undefined) {
    this.#child = child;
    this.#timeoutS = timeoutS;
  }

  /** Watches a cell, from now on. */
  watch({ ep, memoryBytes: bytes }: Pick<AnyCell, "ep" | "memoryBytes">): void {
    this.rest();
    const seconds = this.#timeoutS;
    if (seconds !== undefined)
      this.#timer = setTimeout(() => {
        this.#kill({ of: "time", seconds });
      }, 1000 * seconds);
    const { pid } = this.#child;
    // Of a GPU's memory, the budget is the allocators'.
    if (ep !== "cpu" || bytes === null || pid === undefined) return;
    this.#poll = setInterval(() => {
      const residentBytes = processRss(pid);
      if (residentBytes !== null && residentBytes > bytes) this.#kill({ of: "memory", bytes, residentBytes });
    }, EVERY_MS);
  }

  /** Between cells. */
  rest(): void {
    clearTimeout(this.#timer);
    clearInterval(this.#poll);
  }

  [Symbol.dispose](): void {
    this.rest();
  }

  #kill(limit: Limit): void {
    this.passed ??= limit;
    this.rest();
    this.#child.kill("SIGKILL");
  }
}
