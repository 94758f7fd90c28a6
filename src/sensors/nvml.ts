import { UserError } from "../errors.js";
import { GpuGoneError } from "./nvml/device.js";
import { GpuReader } from "./nvml/gpu-reader.js";
import { openGpus, type OpenGpu } from "./nvml/gpus.js";
import { openNvml } from "./nvml/library.js";
import { checkInterval, pollSamples } from "./poll.js";
import { warnOnce, type Sample, type Sensor } from "./sensor.js";

export { nvmlGpus, type NvmlGpu } from "./nvml/gpus.js";

/** How often, and by which library. */
export interface NvmlOptions {
  /** UUIDs of the GPUs to read. Default: all that NVML lists. */
  gpus?: readonly string[];
  /** From one reading of power to the next. One takes about 2 ms, on some GPUs. Default: 20. */
  intervalMs?: number;
  /** The same of memory, load, clocks, temperature and event reasons. Default: 100. */
  stateIntervalMs?: number;
  /** The same of processes, power limit and the memory's temperature. Default: 1000. */
  slowIntervalMs?: number;
  /** Processes that count as ours, with those that descend from them. Default: this one. */
  ownPids?: readonly number[];
  /** Path of the library. Default: the system's. */
  library?: string;
}

/**
 * NVIDIA GPUs by the driver's library. Samples of a GPU are of two kinds: power, with the GPU's state now and then; and
 * `energy_j` of the counter since the driver was loaded, in a sample of its own that is stamped when it was read. `device`
 * is the GPU's UUID. A GPU that is lost ends its samples.
 */
export function nvml(options: NvmlOptions = {}): Sensor {
  const {
    intervalMs = 20,
    stateIntervalMs = 100,
    slowIntervalMs = 1000,
    ownPids = [process.pid],
    library,
  } = options;
  for (const interval of [intervalMs, stateIntervalMs, slowIntervalMs]) checkInterval(interval);
  return {
    source: "nvml",
    // eslint-disable-next-line @typescript-eslint/require-await
    discover: async () => {
      try {
        const devices = chosen(library, options.gpus, () => undefined).filter(answers);
        const reason = devices.length > 0 ? null : SILENT;
        return { devices: devices.map(({ gpu }) => gpu.uuid), reason };
      } catch (error) {
        if (error instanceof UserError) return { devices: [], reason: error.message };
        throw error;
      }
    },
    // eslint-disable-next-line @typescript-eslint/require-await
    open: async (open = {}) => {
      const { warn, last } = warnOnce(open);
      const { clock = () => performance.now() } = open;
      const gpus = chosen(library, options.gpus, (problem) => {
        warn(problem, problem);
      });
      const pace = { stateIntervalMs, slowIntervalMs, ownPids };
      let readers = gpus.map((gpu) => new GpuReader(gpu, pace, clock, warn));
      const read = (): Sample[] =>
        readers.flatMap((reader) => {
          try {
            return reader.read();
          } catch (error) {
            if (!(error instanceof GpuGoneError)) throw error;
            readers = readers.filter((other) => other !== reader);
            warn(
              `gone ${reader.uuid}`,
              `${reader.label} is lost (${error.message}): there are no readings of it from now on.`,
            );
            return [];
          }
        });
      return pollSamples(read, intervalMs, open, last, LATE_MS);
    },
  };
}

/** On a machine whose cores are all busy, a thread waits that long for its turn now and then. */
const LATE_MS = 250;

const SILENT = "NVML lists a GPU that tells nothing, as on a Jetson Orin: use tegrastats or hwmon.";

function chosen(
  library: string | undefined,
  uuids: readonly string[] | undefined,
  tell: (problem: string) => void,
): OpenGpu[] {
  const { gpus, problems } = openGpus(openNvml(library));
  for (const problem of problems) tell(problem);
  const listed = gpus.map(({ gpu }) => gpu.uuid);
  const missing = uuids?.find((uuid) => !listed.includes(uuid));
  if (missing !== undefined)
    throw new UserError(
      `NVML lists no GPU ${JSON.stringify(missing)}; it lists ${listed.join(", ") || "none"}.`,
    );
  if (gpus.length === 0) throw new UserError(problems[0] ?? "NVML lists no GPU on this machine.");
  return uuids ? gpus.filter(({ gpu }) => uuids.includes(gpu.uuid)) : gpus;
}

/** Whether a GPU tells anything that changes. */
function answers({ device }: OpenGpu): boolean {
  try {
    return [device.powerUsage(), device.totalEnergy(), device.memory(), device.utilization()].some(
      (reading) => reading !== null,
    );
  } catch (error) {
    if (error instanceof GpuGoneError) return false;
    throw error;
  }
}
