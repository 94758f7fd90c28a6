import { UserError } from "../../errors.js";
import { ALL_GPUS, gpusOfSession, type ChosenGpus } from "../chosen-gpus.js";
import { firstAnswering, MACHINE_SENSORS, type MachineSensor, type Target } from "../machine-sensors.js";
import type { CudaSession } from "../match-gpu.js";
import { startSampler } from "../sampler.js";
import type { Values } from "../sensor.js";
import { sensorOf, sourceSpec, type SourceName, type SourceSpec } from "../sources.js";
import type { SampleSource } from "./sample-source.js";

/** Whose energy is wanted. */
export interface Wanted {
  /** Default: the GPU if there is one that tells its power, else the CPU. */
  of?: Target;
  /** The CUDA device that works: its GPU is read, whole where it is a slice of one. Null: none does. */
  session?: CudaSession | null;
  /** The GPUs to be read. Default: that of the session, else all. */
  gpus?: ChosenGpus;
  /** Default: those that a machine may have. */
  sensors?: readonly MachineSensor[];
}

/** Samples of the first sensor that answers, from now on; or why none does. */
export type FoundSource =
  | { readonly sensor: string; readonly source: SampleSource; readonly reason: null }
  | { readonly sensor: null; readonly source: null; readonly reason: string };

/** Other than a source's own: the counters of a CPU are cheap to read, and renewed every millisecond. */
const INTERVAL_MS: Partial<Record<SourceName, number>> = { host: 20 };

const tellsEnergy = ({ energy_j, power_w }: Values): boolean =>
  typeof energy_j === "number" || typeof power_w === "number";

/**
 * Finds the best sensor of power or energy that this machine has, and reads it on a thread of its own, so that work that
 * keeps this one busy is measured too. What it warns of, `onWarning` is told.
 */
export async function findEnergySource(
  {
    of,
    session = null,
    gpus = session ? gpusOfSession(session) : ALL_GPUS,
    sensors = MACHINE_SENSORS,
  }: Wanted = {},
  onWarning: (sentence: string) => void = () => undefined,
): Promise<FoundSource> {
  const specs = sensors
    .filter((one) => of === undefined || one.of.includes(of))
    .filter(({ source }) => source !== "gpu" || gpus.reason === null)
    .map(({ source }): SourceSpec => {
      const only = source === "gpu" && gpus.uuids !== null ? { source, gpus: gpus.uuids } : source;
      return sourceSpec(only, INTERVAL_MS[source]);
    });
  const able = specs.map((spec) => ({ spec, sensor: sensorOf(spec) }));
  const found = await firstAnswering(
    able.map(({ sensor }) => sensor),
    tellsEnergy,
    "power or energy",
  );
  if (found.opened === null) {
    const reason = gpus.reason === null ? found.reason : `${gpus.reason} ${found.reason}`;
    return { sensor: null, source: null, reason };
  }
  await found.opened.close();
  const { spec } = able.find(({ sensor }) => sensor === found.sensor)!;
  try {
    const doubt = spec.source === "gpu" ? gpus.doubt : null;
    return { sensor: spec.source, source: await sampled(spec, doubt, onWarning), reason: null };
  } catch (error) {
    // It answered a moment ago: a sensor that has gone since is a reason too, and ends no campaign.
    if (!(error instanceof UserError)) throw error;
    return { sensor: null, source: null, reason: error.message };
  }
}

async function sampled(
  spec: SourceSpec,
  doubt: string | null,
  onWarning: (sentence: string) => void,
): Promise<SampleSource> {
  let problem: string | null = null;
  const sampler = await startSampler({
    sources: [spec],
    onWarning: (sentence) => {
      problem = sentence;
      onWarning(sentence);
    },
  });
  return {
    get problem() {
      return problem;
    },
    doubt,
    since: (atMs) => sampler.since(atMs),
    close: () => sampler.stop(),
  };
}
