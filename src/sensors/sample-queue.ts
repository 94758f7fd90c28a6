import type { Sample } from "./sensor.js";

/** Ten minutes at 100 Hz. */
const CAPACITY = 60_000;

/**
 * Samples that arrived and were not fetched yet. Its length is bounded: when nobody fetches, the oldest go, and `dropped`
 * counts them. One fetch may wait at a time.
 */
export class SampleQueue {
  readonly #capacity: number;
  #samples: Sample[] = [];
  /** Of the oldest sample; those before are gone, and are cut off now and then. */
  #head = 0;
  #ended = false;
  #waiting: ((sample: Sample | null) => void) | null = null;
  dropped = 0;

  constructor(capacity = CAPACITY) {
    this.#capacity = capacity;
  }

  push(sample: Sample): void {
    if (this.#ended) return;
    if (this.#waiting) {
      this.#waiting(sample);
      this.#waiting = null;
      return;
    }
    this.#samples.push(sample);
    if (this.#samples.length - this.#head > this.#capacity) {
      this.#head++;
      this.dropped++;
    }
    this.#trim();
  }

  /** The oldest, as soon as there is one; null at the end. */
  next(): Promise<Sample | null> {
    const sample = this.#samples[this.#head];
    if (sample) {
      this.#head++;
      this.#trim();
      return Promise.resolve(sample);
    }
    if (this.#ended) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** What is queued can still be fetched. */
  end(): void {
    this.#ended = true;
    this.#waiting?.(null);
    this.#waiting = null;
  }

  clear(): void {
    this.#samples = [];
    this.#head = 0;
  }

  #trim(): void {
    if (this.#head <= this.#capacity) return;
    this.#samples = this.#samples.slice(this.#head);
    this.#head = 0;
  }
}
