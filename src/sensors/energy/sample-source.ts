import type { OpenSensor, Sample } from "../sensor.js";

/** Where samples gather while something is measured: polled here, in a worker, or made up. */
export interface SampleSource {
  /** What was sampled at this time or later, in order. */
  since(atMs: number): readonly Sample[] | Promise<readonly Sample[]>;
  /** Ends the sampling. */
  close(): Promise<unknown>;
  /** The last trouble with its sensor, e.g. why samples no longer come. */
  readonly problem?: string | null;
  /** What makes its joules doubtful as those of the work, in a sentence without its full stop. */
  readonly doubt?: string | null;
}

/** Samples that are here already. */
export interface GatheredSamples extends SampleSource {
  since(atMs: number): readonly Sample[];
}

/** Half a million are seven hours at 20 Hz, in some 100 MB. */
const CAPACITY = 500_000;

/** Gathers what a sensor says, the newest samples of it, from now on. An error of the sensor ends it. */
export function gather(sensor: OpenSensor, capacity = CAPACITY): GatheredSamples {
  let samples: Sample[] = [];
  const pump = async (): Promise<void> => {
    for (let next = await sensor.sample(); next !== null; next = await sensor.sample()) {
      samples.push(next);
      if (samples.length >= 2 * capacity) samples = samples.slice(-capacity);
    }
  };
  let error: string | null = null;
  const done = pump().catch((thrown: unknown) => {
    error = (thrown as Error).message;
  });
  return {
    get problem() {
      return error ?? sensor.problem;
    },
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
