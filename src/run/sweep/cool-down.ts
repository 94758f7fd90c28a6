import { setTimeout as sleepFor } from "node:timers/promises";
import { UserError } from "../../errors.js";
import { firstAnswering, hottest, MACHINE_SENSORS, sensorOf, sourceSpec } from "../../sensors/index.js";
import type { Ep } from "../plan.js";

/** What to wait for before a cell is measured. */
export interface CoolDown {
  /** Seconds between two cells. */
  pauseS?: number;
  /** Until the device is no hotter than this, in degrees Celsius: of several GPUs, the hottest. */
  coolToC?: number;
}

/** Tells the device's temperature in degrees Celsius; UserError where no sensor does. */
export type Thermometer = (ep: Ep) => Promise<number>;

/** How often it is read, and after how long a device that does not get as cool is taken as it is. */
const EVERY_MS = 1000;
const GIVE_UP_MS = 10 * 60_000;

interface Waiting {
  readonly thermometer?: Thermometer;
  readonly sleep?: (ms: number) => Promise<unknown>;
  readonly line: (text: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** Waits before a cell. `first`: nothing was measured yet that a pause could be from. */
export async function coolDown(
  { pauseS = 0, coolToC }: CoolDown,
  ep: Ep,
  first: boolean,
  { thermometer = readTemperature, sleep, line, signal }: Waiting,
): Promise<void> {
  const wait = sleep ?? ((ms) => sleepFor(ms, undefined, signal && { signal }));
  if (!first && pauseS > 0) await wait(1000 * pauseS);
  if (coolToC === undefined) return;
  for (let waitedMs = 0; ; waitedMs += EVERY_MS) {
    const now = await thermometer(ep);
    if (now <= coolToC) return;
    if (waitedMs >= GIVE_UP_MS) {
      line(
        `the device is still at ${now} C after ${GIVE_UP_MS / 60_000} minutes, not at ${coolToC} C: it is measured as it is`,
      );
      return;
    }
    await wait(EVERY_MS);
  }
}

/** By the first sensor of the device that tells one. It is closed again: while a cell runs, nobody reads it. */
export async function readTemperature(ep: Ep): Promise<number> {
  const of = ep === "cpu" ? "cpu" : "gpu";
  const sensors = MACHINE_SENSORS.filter((one) => one.of.includes(of)).map(({ source }) =>
    sensorOf(sourceSpec(source)),
  );
  const told: number[] = [];
  const found = await firstAnswering(
    sensors,
    (values) => {
      told.push(...[hottest(values)].filter((degrees) => degrees !== null));
      return told.length > 0;
    },
    "temperature",
  );
  await found.opened?.close();
  const degrees = told.at(-1);
  if (degrees === undefined)
    throw new UserError(
      `no temperature to cool down to can be read: ${found.reason ?? "no sensor tells it"}`,
    );
  return degrees;
}
