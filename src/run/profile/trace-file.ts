import { closeSync, openSync, writeSync } from "node:fs";
import { readProfile, TraceWriter, type Chunks } from "../../profile/index.js";
import type { SampleSource } from "../../sensors/energy/sample-source.js";

/** A profile, and what its lanes are to be called. */
export interface Traced {
  readonly name: string;
  readonly chunks: Chunks;
  readonly skipRuns: number;
  /** When its first run that counts began: on its own clock, and in ms since 1970. */
  readonly startUs: number;
  readonly startedAt: number;
  readonly endedAt: number;
}

/** Readings of a sensor while a profile was taken. */
export interface Reading {
  /** In ms since 1970. */
  readonly at: number;
  /** Counters by name: what they hold, by unit. */
  readonly counters: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** A trace on disk, written piece by piece. Times count from the first profile's first run. */
export class TraceFile implements Disposable {
  readonly #file: number;
  readonly #writer: TraceWriter;
  #pending: string[] = [];
  #length = 0;
  #origin: number | null = null;

  constructor(path: string) {
    this.#file = openSync(path, "w");
    this.#writer = new TraceWriter((text) => {
      this.#pending.push(text);
      this.#length += text.length;
      if (this.#length > BLOCK) this.#flush();
    });
  }

  /** Adds the runs of a profile that count, and what sensors said meanwhile. */
  async add(
    { name, chunks, skipRuns, startUs, startedAt, endedAt }: Traced,
    readings: readonly Reading[],
  ): Promise<void> {
    this.#origin ??= startedAt;
    const shiftUs = 1000 * (startedAt - this.#origin) - startUs;
    const group = this.#writer.group(name, shiftUs);
    await readProfile(chunks, {
      skipRuns,
      onNode: (node) => {
        group.node(node);
      },
      onRun: (run) => {
        group.run(run);
      },
    });
    for (const { at, counters } of readings)
      if (at >= startedAt && at <= endedAt)
        for (const [counter, values] of Object.entries(counters))
          group.counter(counter, 1000 * (at - startedAt) + startUs, values);
  }

  #flush(): void {
    writeSync(this.#file, this.#pending.join(""));
    [this.#pending, this.#length] = [[], 0];
  }

  /** Ends the trace; a file that was ended early is a trace too. */
  [Symbol.dispose](): void {
    this.#writer.end();
    this.#flush();
    closeSync(this.#file);
  }
}

/** Characters that are written at once. */
const BLOCK = 1 << 16;

/** Total power and, of a GPU, the memory in use, of the samples since a moment of `performance.now`. */
export async function readingsSince(source: SampleSource, atMs: number): Promise<Reading[]> {
  return (await source.since(atMs)).map(({ at_ms, values: { power_w: W, memory_used_bytes: bytes } }) => ({
    at: performance.timeOrigin + at_ms,
    counters: {
      ...(typeof W === "number" && { power: { W } }),
      ...(typeof bytes === "number" && { "device memory": { bytes } }),
    },
  }));
}
