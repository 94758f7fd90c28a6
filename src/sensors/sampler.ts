import type { Sample } from "./sensor.js";
import type { SourceName, SourceSpec } from "./sources.js";

export interface SamplerOptions {
  /** What is read, by name, or by name with its options: `["gpu", { source: "host", intervalMs: 100 }]`. */
  sources: readonly (SourceName | SourceSpec)[];
  /** Of every source that has no interval of its own. Default: the source's, 20 ms for a GPU, 100 ms for others. */
  intervalMs?: number;
  /** Samples that are kept, on each side of the thread. Beyond, the oldest go and count as lost. Default: 240 000. */
  capacity?: number;
  /** Told of each trouble once, in one sentence, as soon as this thread is free. Default: `console.warn`. */
  onWarning?: (sentence: string) => void;
}

/** A sample and the source that it is of: two sources may tell a value of the same name. */
export interface SourceSample extends Sample {
  readonly source: SourceName;
}

/** Sensors that are read on a thread of their own, until `stop`. It does not keep the process alive. */
export interface Sampler {
  /**
   * Every sample taken from then on to now, in order of time, those included that this thread has not received yet.
   *
   * @param at_ms on this thread's `performance.now`, as the samples' `at_ms`
   */
  since(at_ms: number): Promise<SourceSample[]>;
  /** Closes the sensors and ends the thread. May be called twice. */
  stop(): Promise<SamplerResult>;
}

export interface SamplerResult {
  /** In order of time. */
  samples: SourceSample[];
  /** Samples that were due and not taken, or taken and dropped as nobody fetched them. */
  lost: number;
  /** Every sentence that `onWarning` was told. */
  problems: string[];
}
