import { host } from "../host.js";
import { hwmon } from "../hwmon.js";
import type { OpenSensor, Sensor } from "../sensor.js";
import { tegrastats } from "../tegrastats.js";
import { gather, type SampleSource } from "./sample-source.js";

/** What draws the energy: a GPU of its own, or all that computes on this machine's CPU. */
export type Target = "gpu" | "cpu";

/** A sensor of power or energy, and what it is of. */
interface Candidate {
  readonly sensor: () => Sensor;
  readonly of: readonly Target[];
}

/** Every sensor of power and energy there is, best first. On a Jetson one reading is of CPU and GPU. */
const CANDIDATES: readonly Candidate[] = [
  { sensor: () => hwmon({ intervalMs: 50 }), of: ["gpu", "cpu"] },
  { sensor: () => tegrastats({ intervalMs: 50 }), of: ["gpu", "cpu"] },
  { sensor: () => host({ intervalMs: 20 }), of: ["cpu"] },
];

export interface Wanted {
  /** Default: the GPU if there is one that tells its power, else the CPU. */
  of?: Target;
  /** The one device to be read, by the name that its samples have; null: all. */
  device?: string | null;
  /** Instead of those of this machine. */
  candidates?: readonly Candidate[];
}

/** Samples of the first sensor that answers, from now on; or why none does. */
export type FoundSource =
  | { readonly sensor: string; readonly source: SampleSource; readonly reason: null }
  | { readonly sensor: null; readonly source: null; readonly reason: string };

/** Opens the best sensor of power or energy that this machine has. What it warns of, `onWarning` is told. */
export async function findEnergySource(
  { of, device = null, candidates = CANDIDATES }: Wanted = {},
  onWarning: (sentence: string) => void = () => undefined,
): Promise<FoundSource> {
  const reasons: string[] = [];
  const able = candidates.filter((one) => of === undefined || one.of.includes(of));
  for (const sensor of able.map((one) => one.sensor())) {
    const opened = await open(sensor, onWarning);
    if (typeof opened === "string") reasons.push(opened);
    else return { sensor: sensor.source, source: only(gather(opened), device), reason: null };
  }
  const reason =
    reasons.length > 0 ? reasons.join(" ") : "There is no sensor of a GPU's power or energy here.";
  return { sensor: null, source: null, reason };
}

/** A sensor is there only if it tells power or energy, and not if it only could. */
async function open(sensor: Sensor, onWarning: (sentence: string) => void): Promise<OpenSensor | string> {
  const { devices, reason } = await sensor.discover();
  if (devices.length === 0) return reason ?? `${sensor.source} finds no device.`;
  const told: string[] = [];
  try {
    const opened = await sensor.open({
      onWarning: (sentence) => {
        told.push(sentence);
        onWarning(sentence);
      },
    });
    for (let tries = 0; tries < TRIES; tries++) {
      const values = (await opened.sample())?.values;
      if (typeof values?.energy_j === "number" || typeof values?.power_w === "number") return opened;
      if (!values) break;
    }
    await opened.close();
  } catch (error) {
    return (error as Error).message;
  }
  return told[0] ?? `${sensor.source} tells neither power nor energy.`;
}

/** A sensor may tell its values in turns. */
const TRIES = 5;

function only(source: SampleSource, device: string | null): SampleSource {
  if (device === null) return source;
  return {
    since: async (atMs) =>
      (await source.since(atMs)).filter((sample) => sample.device === null || sample.device === device),
    close: () => source.close(),
  };
}
