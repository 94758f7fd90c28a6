import type { Sample, Values } from "../../sensors/index.js";

/** Characters of a plot at most, and so readings that are kept. */
const HISTORY = 200;

/** What a device was read to draw since the watch began. */
export class Meter {
  /** The newest of every value that was told, as a source may tell them in turns. */
  latest: Values = {};
  readonly history: (number | null)[] = [];
  atMs = 0;
  #startMs: number | null = null;
  #counter: number | null = null;
  #counted: number | null = null;
  #power: { atMs: number; watts: number } | null = null;
  #integrated: number | null = null;
  #powers = { sum: 0, count: 0, low: Infinity, high: -Infinity };

  add({ at_ms: atMs, values }: Sample): void {
    this.#startMs ??= atMs;
    this.atMs = atMs;
    this.latest = { ...this.latest, ...values };
    if (typeof values.energy_j === "number") this.#count(values.energy_j);
    if (values.power_w !== undefined) this.#integrate(atMs, values.power_w as number | null);
  }

  /** Across a counter's reset nothing is known, so nothing is added. */
  #count(joules: number): void {
    this.#counted = (this.#counted ?? 0) + Math.max(0, joules - (this.#counter ?? joules));
    this.#counter = joules;
  }

  /** Trapezoids between readings that follow one another; none over one that is missing. */
  #integrate(atMs: number, watts: number | null): void {
    this.history.push(watts);
    if (this.history.length > HISTORY) this.history.shift();
    const before = this.#power;
    this.#power = watts === null ? null : { atMs, watts };
    if (watts === null) return;
    this.#integrated ??= 0;
    if (before) this.#integrated += ((before.watts + watts) / 2) * ((atMs - before.atMs) / 1000);
    const { sum, count, low, high } = this.#powers;
    this.#powers = {
      sum: sum + watts,
      count: count + 1,
      low: Math.min(low, watts),
      high: Math.max(high, watts),
    };
  }

  get seconds(): number {
    return (this.atMs - (this.#startMs ?? this.atMs)) / 1000;
  }

  /** Joules since the first reading: of the counter, else of the power. */
  get joules(): number | null {
    return this.#counted ?? this.#integrated;
  }

  /** Lowest, mean and highest reading of the power; null where there was none. */
  get powers(): { lowW: number; meanW: number; highW: number } | null {
    const { sum, count, low, high } = this.#powers;
    return count === 0 ? null : { lowW: low, meanW: sum / count, highW: high };
  }
}
