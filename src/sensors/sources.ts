import { UserError } from "../errors.js";
import { gpu, type GpuOptions } from "./gpu.js";
import { host, type HostOptions } from "./host.js";
import { hwmon, type HwmonOptions } from "./hwmon.js";
import { nvidiaSmi, type NvidiaSmiOptions } from "./nvidia-smi.js";
import { nvml, type NvmlOptions } from "./nvml.js";
import { replay, type ReplayOptions } from "./replay.js";
import type { Sensor } from "./sensor.js";
import { tegrastats, type TegrastatsOptions } from "./tegrastats.js";

/** Sources by name, with their options: plain values, so that they can be sent to another thread. */
export interface SourceOptions {
  gpu: GpuOptions;
  nvml: NvmlOptions;
  "nvidia-smi": NvidiaSmiOptions;
  tegrastats: TegrastatsOptions;
  hwmon: HwmonOptions;
  host: HostOptions;
  replay: ReplayOptions & { recording: string };
}

/** A sensor by its name. */
export type SourceName = keyof SourceOptions;

/** A sensor by its name, with its options. */
export type SourceSpec = { [Name in SourceName]: { source: Name } & SourceOptions[Name] }[SourceName];

const SENSORS: { [Name in SourceName]: (options: SourceOptions[Name]) => Sensor } = {
  gpu,
  nvml,
  "nvidia-smi": nvidiaSmi,
  tegrastats,
  hwmon,
  host,
  replay: ({ recording, ...options }) => replay(recording, options),
};

/** A source with its options, and with an interval where it can have one and has none. */
export function sourceSpec(source: SourceName | SourceSpec, intervalMs?: number): SourceSpec {
  const spec = typeof source === "string" ? ({ source } as SourceSpec) : source;
  if (!Object.hasOwn(SENSORS, spec.source))
    throw new UserError(
      `There is no source ${JSON.stringify(spec.source)}; there are ${Object.keys(SENSORS).join(", ")}.`,
    );
  if (spec.source !== "replay") return intervalMs === undefined ? spec : { intervalMs, ...spec };
  if (typeof spec.recording !== "string")
    throw new UserError("The source replay needs its recording, a file: { source, recording }.");
  return spec;
}

/** The sensor of a source. Throws `UserError` for options that make no sense. */
export function sensorOf({ source, ...options }: SourceSpec): Sensor {
  const sensor = SENSORS[source] as (options: object) => Sensor;
  return sensor(options);
}
