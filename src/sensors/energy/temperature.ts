import type { Sample, Values } from "../sensor.js";
import { byDevice } from "./by-device.js";

/** Of the hottest device: of its GPU, else of the hottest place that is told, in the first or last sample that tells one. */
export function temperatureC(samples: readonly Sample[], which: "first" | "last"): number | null {
  const told = byDevice(samples)
    .map((one) => ofDevice(one, which))
    .filter((one) => one !== null);
  return told.length === 0 ? null : Math.max(...told);
}

function ofDevice(samples: readonly Sample[], which: "first" | "last"): number | null {
  const first = which === "first" ? 0 : -1;
  // The GPU's memory, hotter and told now and then only, must not stand in for it.
  const ofGpu = samples
    .map(({ values }) => values.temperature_gpu_c)
    .filter((one) => typeof one === "number");
  const told = samples.map(({ values }) => hottest(values)).filter((one) => one !== null);
  return ofGpu.at(first) ?? told.at(first) ?? null;
}

/** The highest temperature among the readings of a sample; null where none answers. */
export function hottest(values: Values): number | null {
  const gpu = values.temperature_gpu_c;
  if (typeof gpu === "number") return gpu;
  const zones = Object.entries(values).flatMap(([name, value]) =>
    /^temperature_.*_c$/.test(name) && typeof value === "number" ? [value] : [],
  );
  return zones.length === 0 ? null : Math.max(...zones);
}
