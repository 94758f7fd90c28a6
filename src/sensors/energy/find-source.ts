import { firstAnswering, MACHINE_SENSORS, type MachineSensor, type Target } from "../machine-sensors.js";
import type { Values } from "../sensor.js";
import { gather, type SampleSource } from "./sample-source.js";

export interface Wanted {
  /** Default: the GPU if there is one that tells its power, else the CPU. */
  of?: Target;
  /** The one device to be read, by the name that its samples have; null: all. */
  device?: string | null;
  /** Default: those that a machine may have. */
  sensors?: readonly MachineSensor[];
}

/** Samples of the first sensor that answers, from now on; or why none does. */
export type FoundSource =
  | { readonly sensor: string; readonly source: SampleSource; readonly reason: null }
  | { readonly sensor: null; readonly source: null; readonly reason: string };

const INTERVAL_MS = 50;

const tellsEnergy = ({ energy_j, power_w }: Values): boolean =>
  typeof energy_j === "number" || typeof power_w === "number";

/** Opens the best sensor of power or energy that this machine has. What it warns of, `onWarning` is told. */
export async function findEnergySource(
  { of, device = null, sensors = MACHINE_SENSORS }: Wanted = {},
  onWarning?: (sentence: string) => void,
): Promise<FoundSource> {
  const able = sensors.filter((one) => of === undefined || one.of.includes(of));
  const found = await firstAnswering(
    able.map(({ sensor }) => sensor(INTERVAL_MS)),
    tellsEnergy,
    "power or energy",
    onWarning,
  );
  if (found.opened === null) return { sensor: null, source: null, reason: found.reason };
  return { sensor: found.sensor.source, source: only(gather(found.opened), device), reason: null };
}

function only(source: SampleSource, device: string | null): SampleSource {
  if (device === null) return source;
  return {
    get problem() {
      return source.problem ?? null;
    },
    since: async (atMs) =>
      (await source.since(atMs)).filter((sample) => sample.device === null || sample.device === device),
    close: () => source.close(),
  };
}
