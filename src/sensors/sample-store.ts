import type { Sample } from "./sensor.js";

/** The latest samples, up to a number; the oldest of more are dropped and counted. */
export class SampleStore<S extends Sample> {
  readonly #capacity: number;
  #samples: S[] = [];
  dropped = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  push(sample: S): void {
    this.#samples.push(sample);
    // Cut off by the half, as to shift every one would cost as much as the rest of the sampling.
    if (this.#samples.length >= 2 * this.#capacity) this.#samples = this.#samples.slice(-this.#capacity);
    else if (this.#samples.length <= this.#capacity) return;
    this.dropped++;
  }

  /** In order of time, which sources that are read beside each other keep only nearly. */
  since(at_ms: number): S[] {
    return this.#samples
      .slice(-this.#capacity)
      .filter((sample) => sample.at_ms >= at_ms)
      .sort((a, b) => a.at_ms - b.at_ms);
  }
}
