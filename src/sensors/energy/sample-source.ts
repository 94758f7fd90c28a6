import type { OpenSensor, Sample } from "../sensor.js";

/** Where samples gather while something is measured: polled here, in a worker, or made up. */
export interface SampleSource {
  /** What was sampled at this time or later, in order. */
  since(atMs: number): readonly Sample[] | Promise<readonly Sample[]>;
  close(): Promise<unknown>;
}

/** Samples that are here already. */
export interface GatheredSamples extends SampleSource {
  since(atMs: number): readonly Sample[];
}

/** Ten minutes at 50 Hz: as long as a window may be. */
const CAPACITY = 30_000;

/** Gathers what a sensor says, the newest samples of it, from now on. Errors of the sensor end it, and are its `problem`. */
export function gather(sensor: OpenSensor, capacity = CAPACITY): GatheredSamples {
  let samples: Sample[] = [];
  const pump = async (): Promise<void> => {
    for (let next = await sensor.sample(); next !== null; next = await sensor.sample()) {
      samples.push(next);
      if (samples.length >= 2 * capacity) samples = samples.slice(-capacity);
    }
  };
  const done = pump().catch(() => undefined);
  return {
    since: (atMs) => samples.slice(firstSince(samples, atMs)),
    close: async () => {
      await sensor.close();
      await done;
    },
  };
}

/** Index of the first sample at this time or later. */
function firstSince(samples: readonly Sample[], atMs: number): number {
  let [low, high] = [0, samples.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (samples[middle]!.at_ms < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
