/**
 * The contract of every source of readings. A sensor says what it can find (`discover`), is opened, and then read one
 * sample at a time or as an async iterator; `samplesToTable` makes the table afterwards.
 */
export interface Sensor {
  /** tegrastats, replay, hwmon, ... */
  readonly source: string;
  /** What of this source is here. Starts nothing that stays, and never throws. */
  discover(): Promise<Discovery>;
  /** Throws `UserError` when the source is not there or cannot be started. */
  open(options?: OpenOptions): Promise<OpenSensor>;
}

/** What of a source is here. */
export interface Discovery {
  /** Empty where there is nothing to open. */
  devices: readonly string[];
  /** One sentence why there is nothing, else null. */
  reason: string | null;
}

/** Whom to tell of troubles, and by which clock. */
export interface OpenOptions {
  /** Told of each trouble once, in one sentence. Default: `console.warn`. */
  onWarning?: (sentence: string) => void;
  /** Milliseconds on a monotonic clock. Default: `performance.now`. */
  clock?: () => number;
}

/** A source that is being read. */
export interface OpenSensor extends AsyncIterable<Sample> {
  /** The next reading; null when no more will come, at once if closed. One call at a time. */
  sample(): Promise<Sample | null>;
  /** The last trouble that `onWarning` was told of, e.g. why the readings ended; null while there was none. */
  readonly problem: string | null;
  /** Samples that were due and not taken, or came and were not fetched in time; absent where none can be. */
  readonly lost?: number;
  /** Ends the readings, a waiting `sample` included. May be called twice. Leaving the iterator calls it. */
  close(): Promise<void>;
}

/** Readings of one moment. */
export interface Sample {
  /** When it was received (recordings: was taken), on a monotonic clock whose zero means nothing. */
  readonly at_ms: number;
  /** The device it is of, where a source has several; null where it has one. */
  readonly device: string | null;
  /**
   * By names that end in their unit: `_w`, `_j`, `_bytes`, `_pct`, `_mhz`, `_c`, or no unit for text. A value is null
   * when the hardware did not answer, never 0. Names that every source with such a reading shares: `power_w`, the
   * total, with `power_rule` that says of what; `energy_j` of a counter, with `energy_rule`; `gpu_load_pct`,
   * `gpu_clock_mhz`, `ram_used_bytes`. One that is absent was not asked for this time.
   */
  readonly values: Values;
}

/** Readings by name. */
export type Values = Readonly<Record<string, number | string | null>>;

/** What makes any source an async iterator. */
export async function* iterate(sensor: Pick<OpenSensor, "sample" | "close">): AsyncGenerator<Sample, void> {
  try {
    for (let next = await sensor.sample(); next !== null; next = await sensor.sample()) yield next;
  } finally {
    await sensor.close();
  }
}

/** The troubles that were told. */
export interface Warnings {
  /** `key` tells what it is about: of one trouble, only the first sentence is passed on. */
  warn: (key: string, sentence: string) => void;
  /** The last sentence passed on. */
  last: () => string | null;
}

/** A teller of troubles that says each only once. */
export function warnOnce({ onWarning = console.warn }: OpenOptions): Warnings {
  const told = new Set<string>();
  let last: string | null = null;
  return {
    warn: (key, sentence) => {
      if (told.has(key)) return;
      told.add(key);
      last = sentence;
      onWarning(sentence);
    },
    last: () => last,
  };
}
