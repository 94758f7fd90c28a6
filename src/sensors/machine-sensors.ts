import type { OpenSensor, Sensor, Values } from "./sensor.js";
import type { SourceName } from "./sources.js";

/** What draws the energy: a GPU of its own, or all that computes on this machine's CPU. */
export type Target = "gpu" | "cpu";

/** A sensor that a machine may have, and what its power and energy are of. */
export interface MachineSensor {
  readonly source: SourceName;
  readonly of: readonly Target[];
}

/** Every sensor there is, best first. On a Jetson one reading is of CPU and GPU. */
export const MACHINE_SENSORS: readonly MachineSensor[] = [
  { source: "gpu", of: ["gpu"] },
  { source: "tegrastats", of: ["gpu", "cpu"] },
  { source: "hwmon", of: ["gpu", "cpu"] },
  { source: "host", of: ["cpu"] },
];

/** The first of the sensors that answers, or why each does not. */
export type Answering =
  | { readonly sensor: Sensor; readonly opened: OpenSensor; readonly reason: null }
  | { readonly sensor: null; readonly opened: null; readonly reason: string };

/**
 * Opens sensors until one tells what is wanted: one is there only if it answers, and not if it only could.
 *
 * @param onWarning told of the trouble of the sensor that answers
 * @param withinMs a sensor that has told nothing after so long does not answer
 */
export async function firstAnswering(
  sensors: readonly Sensor[],
  wanted: (values: Values) => boolean,
  what: string,
  onWarning: (sentence: string) => void = () => undefined,
  withinMs = ANSWERS_WITHIN_MS,
): Promise<Answering> {
  const reasons: string[] = [];
  for (const sensor of sensors) {
    const opened = await open(sensor, wanted, what, onWarning, withinMs);
    if (typeof opened !== "string") return { sensor, opened, reason: null };
    reasons.push(opened);
  }
  const reason = reasons.length > 0 ? reasons.join(" ") : `There is no sensor of ${what} here.`;
  return { sensor: null, opened: null, reason };
}

/** A sensor may tell its values in turns. */
const TRIES = 5;

/** Some programs run and print nothing. Of a GPU that nobody uses, the first reading takes seconds. */
const ANSWERS_WITHIN_MS = 10_000;

async function open(
  sensor: Sensor,
  wanted: (values: Values) => boolean,
  what: string,
  onWarning: (sentence: string) => void,
  withinMs: number,
): Promise<OpenSensor | string> {
  const { devices, reason } = await sensor.discover();
  if (devices.length === 0) return reason ?? `${sensor.source} finds no device.`;
  const told: string[] = [];
  let pass = (sentence: string): void => {
    told.push(sentence);
  };
  try {
    const opened = await sensor.open({
      onWarning: (sentence) => {
        pass(sentence);
      },
    });
    const silence = await silenceOf(opened, wanted, what, withinMs).catch(async (error: unknown) => {
      await opened.close();
      throw error;
    });
    if (silence === null) {
      for (const sentence of told) onWarning(sentence);
      pass = onWarning;
      return opened;
    }
    await opened.close();
    return told[0] ?? `The sensor ${sensor.source} ${silence}.`;
  } catch (error) {
    return (error as Error).message;
  }
}

/** Why the sensor is of no use; null if it tells what is wanted. */
async function silenceOf(
  opened: OpenSensor,
  wanted: (values: Values) => boolean,
  what: string,
  withinMs: number,
): Promise<string | null> {
  const ended = new AbortController();
  const timer = setTimeout(() => {
    ended.abort();
    void opened.close(); // ends the reading that waits
  }, withinMs);
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      const sample = await opened.sample();
      if (ended.signal.aborted) return `told nothing of ${what} within ${withinMs} ms`;
      if (sample === null) break;
      if (wanted(sample.values)) return null;
    }
    return `answers, but does not tell ${what}`;
  } finally {
    clearTimeout(timer);
  }
}
