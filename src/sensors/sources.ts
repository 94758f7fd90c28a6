import { host, type HostOptions } from "./host.js";
import { hwmon, type HwmonOptions } from "./hwmon.js";
import { replay, type ReplayOptions } from "./replay.js";
import type { Sensor } from "./sensor.js";
import { tegrastats, type TegrastatsOptions } from "./tegrastats.js";

/** Sources by name, with their options: plain values, so that they can be sent to another thread. */
export interface SourceOptions {
  tegrastats: TegrastatsOptions;
  hwmon: HwmonOptions;
  host: HostOptions;
  replay: ReplayOptions & { recording: string };
}

export type SourceName = keyof SourceOptions;

export type SourceSpec = { [Name in SourceName]: { source: Name } & SourceOptions[Name] }[SourceName];

const SENSORS: { [Name in SourceName]: (options: SourceOptions[Name]) => Sensor } = {
  tegrastats,
  hwmon,
  host,
  replay: ({ recording, ...options }) => replay(recording, options),
};
