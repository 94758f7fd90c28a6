import type { Sample } from "../sensor.js";

/** The samples of each device by themselves, in their order. */
export function byDevice(samples: readonly Sample[]): Sample[][] {
  const names = new Set(samples.map(({ device }) => device));
  return [...names].map((name) => samples.filter(({ device }) => device === name));
}
