export * from "./sensor.js";
export * from "./tegrastats.js";
export * from "./hwmon.js";
export * from "./host.js";
export * from "./replay.js";
export type { ReplayTime } from "./recorded-clock.js";
export * from "./samples-table.js";
export * from "./tegrastats-line.js";
export * from "./tegrastats-power.js";
