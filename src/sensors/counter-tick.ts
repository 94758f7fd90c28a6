/** Share of a tick after an advance in which the next one is not expected. */
const QUIET_SHARE = 0.75;
/** A counter that stood still for long, e.g. of an idle device, may advance sooner the next time. */
const LONGEST_QUIET_MS = 500;

/**
 * When a counter that advances in ticks is worth a reading, as one may take milliseconds: not right after an advance,
 * and then at every chance until it advances, so that the moment is known. The tick is learned from the readings.
 */
export class CounterTick {
  #value: number | null = null;
  #advancedAt = -Infinity;
  #quietMs = 0;
  /** Whether a reading since the last advance found the counter as it was. */
  #stood = false;

  isDue(at_ms: number): boolean {
    return at_ms >= this.#advancedAt + this.#quietMs;
  }

  read(value: number, at_ms: number): void {
    if (value === this.#value) {
      this.#stood = true;
      return;
    }
    // One that had advanced by the first reading may have done so long before.
    this.#quietMs = this.#stood
      ? Math.min(QUIET_SHARE * (at_ms - this.#advancedAt), LONGEST_QUIET_MS)
      : this.#quietMs / 2;
    this.#value = value;
    this.#advancedAt = at_ms;
    this.#stood = false;
  }
}
