import { CounterTick } from "../counter-tick.js";
import { eventReasons } from "../event-reasons.js";
import { descendsFrom, pidsAreOfTheMachine } from "../own-processes.js";
import type { Sample, Values, Warnings } from "../sensor.js";
import type { NvmlDevice } from "./device.js";
import type { NvmlGpu, OpenGpu } from "./gpus.js";
import type { GpuProcess } from "./processes.js";

export interface GpuReaderOptions {
  stateIntervalMs: number;
  slowIntervalMs: number;
  ownPids: readonly number[];
}

/** Everything that is read of one GPU, each thing at its own pace. */
export class GpuReader {
  readonly #gpu: NvmlGpu;
  readonly #device: NvmlDevice;
  readonly #clock: () => number;
  readonly #warn: Warnings["warn"];
  readonly #state: Pace;
  readonly #slow: Pace;
  readonly #ownPids: ReadonlySet<number>;
  readonly #tick = new CounterTick();
  #powerRule: string | null = null;
  #energyJ: number | null = null;
  #told = false;

  constructor(
    { gpu, device }: OpenGpu,
    options: GpuReaderOptions,
    clock: () => number,
    warn: Warnings["warn"],
  ) {
    this.#gpu = gpu;
    this.#device = device;
    this.#clock = clock;
    this.#warn = warn;
    this.#state = new Pace(options.stateIntervalMs);
    this.#slow = new Pace(options.slowIntervalMs);
    this.#ownPids = new Set(options.ownPids);
  }

  get uuid(): string {
    return this.#gpu.uuid;
  }

  /** "NVIDIA H200 (GPU-...)" */
  get label(): string {
    return `${this.#gpu.name ?? "GPU"} (${this.#gpu.uuid})`;
  }

  /** Throws `GpuGoneError` once the GPU is lost. */
  read(): Sample[] {
    const power = this.#timed(() => this.#power());
    const now = this.#clock();
    const energy = this.#tick.isDue(now) ? this.#energy() : [];
    const values: Values = {
      ...power.values,
      ...(this.#device.refused.has("total energy") && { energy_j: null, energy_rule: null }),
      ...(this.#state.isDue(now) && this.#stateValues()),
      ...(this.#slow.isDue(now) && { ...this.#slowValues(), ...this.#processValues() }),
    };
    this.#tellOnce();
    return [{ ...power, values }, ...energy];
  }

  /** Stamped with the middle of the time that the reading took. */
  #timed(read: () => Values): Sample {
    const begin = this.#clock();
    const values = read();
    return { at_ms: (begin + this.#clock()) / 2, device: this.#gpu.uuid, values };
  }

  /** By the field of the moment where there is one; else by what older drivers tell, which may be a mean. */
  #power(): Values {
    const { instantMw, averageMw } = this.#device.powerFields();
    const averageOnly = this.#device.refused.has("instant power");
    const powerMw = averageOnly ? this.#device.powerUsage() : instantMw;
    const rule = averageOnly ? usageRule(this.#gpu) : "GPU: NVML POWER_INSTANT";
    if (powerMw !== null) this.#powerRule ??= rule;
    // A series keeps to one rule: a mean after readings of the moment would pass for a change of the load.
    const power_w = rule === this.#powerRule ? inThousands(powerMw) : null;
    return {
      power_w,
      power_rule: power_w === null ? null : rule,
      power_draw_average_w: inThousands(averageMw),
    };
  }

  #energy(): Sample[] {
    const sample = this.#timed(() => {
      const energy_j = inThousands(this.#device.totalEnergy());
      return { energy_j, energy_rule: energy_j === null ? null : "GPU: NVML total energy" };
    });
    const energy = sample.values.energy_j as number | null;
    if (energy === null) return [];
    if (this.#energyJ !== null && energy < this.#energyJ)
      this.#warn(
        `counter ${this.uuid}`,
        `The energy counter of ${this.label} fell from ${this.#energyJ} J to ${energy} J: no energy is known across that.`,
      );
    this.#energyJ = energy;
    this.#tick.read(energy, sample.at_ms);
    return [sample];
  }

  #stateValues(): Values {
    const device = this.#device;
    const memory = device.memory();
    const load = device.utilization();
    const reasons = device.eventReasons();
    return {
      memory_used_bytes: memory?.used ?? null,
      memory_total_bytes: memory?.total ?? null,
      gpu_load_pct: load?.gpu ?? null,
      utilization_memory_pct: load?.memory ?? null,
      gpu_clock_mhz: device.clock("sm"),
      clocks_mem_mhz: device.clock("memory"),
      temperature_gpu_c: device.temperature(),
      clocks_event_reasons: reasons === null ? null : eventReasons(reasons),
    };
  }

  #slowValues(): Values {
    return {
      temperature_memory_c: this.#device.memoryTemperature(),
      enforced_power_limit_w: inThousands(this.#device.powerLimit()),
    };
  }

  #processValues(): Values {
    const processes = this.#device.processes();
    const foreign = processes && foreignOf(processes, this.#ownPids);
    if (processes !== null && foreign === null)
      this.#warn(
        "pids",
        "Process ids here are of a container, those on the GPU of the machine: whose they are is unknown (null).",
      );
    return {
      gpu_processes: foreign === null ? null : processes!.length,
      foreign_processes: foreign?.length ?? null,
      foreign_pids: foreign?.map(({ pid }) => pid).join(" ") ?? null,
      foreign_process_bytes: foreign && sumOf(foreign.map(({ usedBytes }) => usedBytes)),
    };
  }

  /** After the first readings: what is refused is never asked again. */
  #tellOnce(): void {
    if (this.#told) return;
    this.#told = true;
    const refused = [...this.#device.refused]
      .filter(([what]) => READINGS.has(what))
      .map(([what, why]) => `${what} (${why})`);
    if (refused.length > 0)
      this.#warn(`refused ${this.uuid}`, `${this.label} does not tell ${refused.join(", ")}: null.`);
    if (this.#gpu.migUuids !== null)
      this.#warn(
        `mig ${this.uuid}`,
        `${this.label} is cut into MIG instances: power, energy and clocks are of all of it.`,
      );
  }
}

/** Facts that are read again and again; others are told with the GPU, or have a stand-in. */
const READINGS = new Set([
  "power",
  "total energy",
  "memory",
  "utilisation",
  "sm clock",
  "temperature",
  "event reasons",
  "power limit",
  "processes",
]);

const inThousands = (value: number | null): number | null => (value === null ? null : value / 1000);

const sumOf = (values: readonly (number | null)[]): number | null =>
  values.reduce<number | null>((sum, value) => (sum === null || value === null ? null : sum + value), 0);

/**
 * Those that are not ours. In a container the list has the machine's ids, or is empty, so null, unless it holds one of
 * ours, as some drivers translate.
 */
export function foreignOf(
  processes: readonly GpuProcess[],
  ownPids: ReadonlySet<number>,
  ofTheMachine = pidsAreOfTheMachine(),
): GpuProcess[] | null {
  const foreign = processes.filter(({ pid }) => !descendsFrom(pid, ownPids));
  return ofTheMachine === true || foreign.length < processes.length ? foreign : null;
}

const AMPERE = 7;
const UNKNOWN = 0xffffffff;

/** Since Ampere, but for GA100, nvmlDeviceGetPowerUsage is the mean of the last second. Source: nvml.h. */
function usageRule({ architecture, name }: NvmlGpu): string {
  if (architecture === null || architecture === UNKNOWN || name === null) return "GPU: NVML power usage";
  const ofTheMoment = architecture < AMPERE || (architecture === AMPERE && /\b(A100|A800|A30)\b/.test(name));
  return `GPU: NVML power usage, ${ofTheMoment ? "of the moment" : "mean of 1 s"}`;
}

/** At most once an interval. */
class Pace {
  readonly #intervalMs: number;
  #due = -Infinity;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  isDue(now_ms: number): boolean {
    if (now_ms < this.#due) return false;
    this.#due = now_ms + this.#intervalMs;
    return true;
  }
}
