import { UserError } from "../errors.js";

/** How samples of a recording get their time. */
export type ReplayTime = "recorded" | "received" | { intervalMs: number };

/**
 * The monotonic time of each reading of a recording. A wall clock that was set back while recording would run
 * backwards: the time then goes on from where it was, and `setBack` says so.
 */
export class RecordedClock {
  readonly #time: ReplayTime;
  readonly #received: () => number;
  #count = 0;
  #offset = 0;
  #last = -Infinity;
  setBack = false;

  constructor(time: ReplayTime, received: () => number) {
    if (typeof time === "object" && !(time.intervalMs > 0))
      throw new UserError(`The interval of a recording is ${time.intervalMs} ms; it must be above 0.`);
    this.#time = time;
    this.#received = received;
  }

  /** Throws `UserError` where the recording has no time. */
  at(wallMs: number | null, where: string): number {
    if (this.#time === "received") return this.#received();
    if (typeof this.#time === "object") return this.#count++ * this.#time.intervalMs;
    if (wallMs === null)
      throw new UserError(`${where} has no time stamp: give the interval at which it was recorded, in ms.`);
    if (wallMs + this.#offset < this.#last) {
      this.#offset = this.#last - wallMs;
      this.setBack = true;
    }
    this.#last = wallMs + this.#offset;
    return this.#last;
  }
}
