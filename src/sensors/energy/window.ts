/** A stretch of time on the clock of the samples. */
export interface TimeWindow {
  readonly startMs: number;
  readonly endMs: number;
}

export const lengthMs = ({ startMs, endMs }: TimeWindow): number => endMs - startMs;

/** Why a number could not be told, in one sentence. */
export interface Unknown {
  readonly reason: string;
  /** Set where the sensor told what cannot be, so that its other numbers are doubtful too. */
  readonly isDoubt?: true;
}

export const isUnknown = (result: object): result is Unknown => "reason" in result;

/** A mean power, and how far off it may be. */
export interface Power {
  readonly watts: number;
  readonly errorW: number;
}

/** What the device draws without the work, before it and after it. */
export interface Baseline {
  readonly before: Power;
  readonly after: Power;
}

/** The idle power during the work lies between the two, or so one must believe. */
export function idlePower({ before, after }: Baseline): Power {
  const drift = Math.abs(after.watts - before.watts) / 2;
  return {
    watts: (before.watts + after.watts) / 2,
    errorW: Math.max(before.errorW, after.errorW) + drift,
  };
}

/** Joules of a window. An error is a bound, not a deviation: the truth lies within it as long as the sensor's own reading is true. */
export interface Estimate {
  readonly grossJ: number;
  readonly grossErrorJ: number;
  /** Less what the device would have drawn idle; null without a baseline. */
  readonly netJ: number | null;
  readonly netErrorJ: number | null;
  /** How often the reading is renewed. */
  readonly updateMs: number;
}

export function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
