import type { SourceSpec } from "../../src/sensors/index.js";
import { stubNvml } from "../sensors/nvml/stub-nvml.js";

/** Of an H200, in µs: reference of the product, measured. */
const H200_CALLS = { power_us: 2000, energy_us: 4600 };

/** A GPU that is not there, whose calls take as long as an H200's. */
export function stubGpu(folder: string): SourceSpec {
  const { path, set } = stubNvml(folder, "libnvidia-ml.so.1");
  for (const [name, us] of Object.entries(H200_CALLS)) set(name, us);
  set("gpus", 1);
  return { source: "nvml", library: path };
}
