import { codeName, FUNCTION_NOT_FOUND, isGone, isRefusal, SUCCESS } from "./codes.js";
import type { Nvml, NvmlFunction } from "./library.js";
import { gpuProcesses, type GpuProcess } from "./processes.js";

/** The GPU, or the whole driver, has gone while it was read. */
export class GpuGoneError extends Error {
  override readonly name = "GpuGoneError";
  constructor(readonly code: number) {
    super(codeName(code));
  }
}

/** Which quantity a field value is of: 1 would be the module of a Grace superchip, CPU included. */
const GPU_SCOPE = 0;
const FIELD = { memoryTemperature: 82, powerAverage: 185, powerInstant: 186 } as const;
const FIELD_BYTES = 40;

const CLOCK = { sm: 1, memory: 2 } as const;
const TEMPERATURE_OF_DIE = 0;
/** sizeof(nvmlTemperature_v1_t) | version << 24 */
const TEMPERATURE_V1 = 0x0100000c;
/** New headers give names and UUIDs 96 bytes, older ones less; a short buffer is refused. */
const TEXT_BYTES = 96;
/** sizeof(nvmlPciInfo_t), which begins with the bus id in 16 bytes in every version. */
const PCI_BYTES = 68;
const BUS_ID_BYTES = 16;

/**
 * A GPU, or a MIG instance. Every reading is null where it is not told. What the GPU refuses once is not asked again,
 * and stands in `refused`; readings throw `GpuGoneError` once it is lost.
 */
export class NvmlDevice {
  readonly #nvml: Nvml;
  readonly #handle: bigint;
  #newTemperature = false;
  /** What is never told, and the name of the code by which it was refused. */
  readonly refused = new Map<string, string>();

  constructor(nvml: Nvml, handle: bigint) {
    this.#nvml = nvml;
    this.#handle = handle;
  }

  uuid(): string | null {
    return this.#text("UUID", "nvmlDeviceGetUUID");
  }

  name(): string | null {
    return this.#text("name", "nvmlDeviceGetName");
  }

  /** As CUDA writes it: `0000:01:00.0`. */
  pciBusId(): string | null {
    const info = Buffer.alloc(PCI_BYTES);
    return this.#ask("PCI bus", "nvmlDeviceGetPciInfo", info) ? textOf(info.subarray(0, BUS_ID_BYTES)) : null;
  }

  /** nvmlDeviceArchitecture_t: 5 Volta, 6 Turing, 7 Ampere, 8 Ada, 9 Hopper, 10 Blackwell, ... */
  architecture(): number | null {
    return this.#u32("architecture", "nvmlDeviceGetArchitecture");
  }

  persistenceMode(): boolean | null {
    const mode = this.#u32("persistence mode", "nvmlDeviceGetPersistenceMode");
    return mode === null ? null : mode === 1;
  }

  /** The instances that the GPU is cut into, or null where it is whole. */
  migInstances(): NvmlDevice[] | null {
    const [mode, pending, most] = [new Uint32Array(1), new Uint32Array(1), new Uint32Array(1)];
    if (!this.#ask("MIG mode", "nvmlDeviceGetMigMode", mode, pending) || mode[0] !== 1) return null;
    if (!this.#ask("MIG instances", "nvmlDeviceGetMaxMigDeviceCount", most)) return [];
    return Array.from({ length: most[0]! }, (_, index) => {
      const handle = new BigUint64Array(1);
      const code = this.#nvml.call("nvmlDeviceGetMigDeviceHandleByIndex", this.#handle, index, handle);
      return code === SUCCESS ? [new NvmlDevice(this.#nvml, handle[0]!)] : [];
    }).flat();
  }

  /** Instant power, and its mean over a second, in mW, by one call. */
  powerFields(): { instantMw: number | null; averageMw: number | null } {
    const [instantMw, averageMw] = this.#fields([
      ["instant power", FIELD.powerInstant],
      ["average power", FIELD.powerAverage],
    ]);
    return { instantMw: instantMw!, averageMw: averageMw! };
  }

  /** In mW; of the moment or of a second, by product. */
  powerUsage(): number | null {
    return this.#u32("power", "nvmlDeviceGetPowerUsage");
  }

  /** In mJ, since the driver was loaded. */
  totalEnergy(): number | null {
    return this.#u64("total energy", "nvmlDeviceGetTotalEnergyConsumption");
  }

  /** In mW. */
  powerLimit(): number | null {
    return this.#u32("power limit", "nvmlDeviceGetEnforcedPowerLimit");
  }

  /** In bytes, by whomever; `used` holds what the driver keeps for itself. */
  memory(): { total: number; used: number } | null {
    // struct nvmlMemory_t { unsigned long long total, free, used; }
    const memory = new BigUint64Array(3);
    if (!this.#ask("memory", "nvmlDeviceGetMemoryInfo", memory)) return null;
    return { total: Number(memory[0]), used: Number(memory[2]) };
  }

  /** In %: share of the driver's last period (1/6 to 1 s) in which a kernel ran, or memory was accessed. */
  utilization(): { gpu: number; memory: number } | null {
    const rates = new Uint32Array(2);
    if (!this.#ask("utilisation", "nvmlDeviceGetUtilizationRates", rates)) return null;
    return { gpu: rates[0]!, memory: rates[1]! };
  }

  /** In MHz. */
  clock(of: keyof typeof CLOCK): number | null {
    const clock = new Uint32Array(1);
    return this.#ask(`${of} clock`, "nvmlDeviceGetClockInfo", CLOCK[of], clock) ? clock[0]! : null;
  }

  /** In MHz, the highest that the product has. */
  maxClock(of: keyof typeof CLOCK): number | null {
    const clock = new Uint32Array(1);
    return this.#ask(`highest ${of} clock`, "nvmlDeviceGetMaxClockInfo", CLOCK[of], clock) ? clock[0]! : null;
  }

  /** Of the die, in °C; by the older call, which new drivers deprecate, and where that is refused by the newer. */
  temperature(): number | null {
    if (!this.#newTemperature) {
      const celsius = new Uint32Array(1);
      const code = this.#nvml.call("nvmlDeviceGetTemperature", this.#handle, TEMPERATURE_OF_DIE, celsius);
      if (code === SUCCESS) return celsius[0]!;
      this.#newTemperature = isRefusal(code);
      if (!this.#newTemperature) this.#failed("temperature", code);
    }
    const reading = Int32Array.of(TEMPERATURE_V1, TEMPERATURE_OF_DIE, 0);
    return this.#newTemperature && this.#ask("temperature", "nvmlDeviceGetTemperatureV", reading)
      ? reading[2]!
      : null;
  }

  /** Of the memory, in °C. */
  memoryTemperature(): number | null {
    return this.#fields([["memory temperature", FIELD.memoryTemperature]])[0]!;
  }

  /** A mask, for `eventReasons`. */
  eventReasons(): bigint | null {
    const mask = new BigUint64Array(1);
    return this.#ask("event reasons", "nvmlDeviceGetCurrentClocksEventReasons", mask) ? mask[0]! : null;
  }

  processes(): GpuProcess[] | null {
    if (this.refused.has("processes")) return null;
    const list = gpuProcesses(this.#nvml, this.#handle);
    if (typeof list !== "number") return list;
    this.#failed("processes", list);
    return null;
  }

  /** Whether the function wrote its answer. */
  #ask(what: string, name: NvmlFunction, ...values: unknown[]): boolean {
    if (this.refused.has(what)) return false;
    const code = this.#nvml.call(name, this.#handle, ...values);
    if (code !== SUCCESS) this.#failed(what, code);
    return code === SUCCESS;
  }

  /** A failure that is neither of these is of this call only: a reading is missing. */
  #failed(what: string, code: number): void {
    if (isGone(code)) throw new GpuGoneError(code);
    if (isRefusal(code)) this.refused.set(what, codeName(code));
  }

  #u32(what: string, name: NvmlFunction): number | null {
    const value = new Uint32Array(1);
    return this.#ask(what, name, value) ? value[0]! : null;
  }

  #u64(what: string, name: NvmlFunction): number | null {
    const value = new BigUint64Array(1);
    return this.#ask(what, name, value) ? Number(value[0]) : null;
  }

  #text(what: string, name: NvmlFunction): string | null {
    const text = Buffer.alloc(TEXT_BYTES);
    return this.#ask(what, name, text, TEXT_BYTES) ? textOf(text) : null;
  }

  /** The call succeeds when one field does: each has a code of its own. */
  #fields(wanted: readonly (readonly [what: string, id: number])[]): (number | null)[] {
    const asked = wanted.filter(([what]) => !this.refused.has(what));
    const found = new Map<number, number>();
    if (asked.length > 0) {
      const values = Buffer.alloc(asked.length * FIELD_BYTES);
      for (const [index, [, id]] of asked.entries()) {
        values.writeUInt32LE(id, index * FIELD_BYTES);
        values.writeUInt32LE(GPU_SCOPE, index * FIELD_BYTES + 4);
      }
      const whole = this.#nvml.call("nvmlDeviceGetFieldValues", this.#handle, asked.length, values);
      for (const [index, [what, id]] of asked.entries()) {
        const entry = values.subarray(index * FIELD_BYTES, (index + 1) * FIELD_BYTES);
        const code = whole === SUCCESS ? entry.readInt32LE(28) : whole;
        const value = code === SUCCESS ? fieldValue(entry) : null;
        if (value !== null) found.set(id, value);
        else this.#failed(what, code === SUCCESS ? FUNCTION_NOT_FOUND : code);
      }
    }
    return wanted.map(([, id]) => found.get(id) ?? null);
  }
}

/** Up to its NUL. */
export const textOf = (bytes: Buffer): string => {
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end < 0 ? bytes.length : end);
};

/** By its nvmlValueType_t; null for one that no header knows. */
function fieldValue(entry: Buffer): number | null {
  switch (entry.readInt32LE(24)) {
    case 0:
      return entry.readDoubleLE(32);
    case 1:
      return entry.readUInt32LE(32);
    case 2: // unsigned long, which is short on Windows
      return process.platform === "win32" ? entry.readUInt32LE(32) : Number(entry.readBigUInt64LE(32));
    case 3:
      return Number(entry.readBigUInt64LE(32));
    case 4:
      return Number(entry.readBigInt64LE(32));
    case 5:
      return entry.readInt32LE(32);
    case 6:
      return entry.readUInt16LE(32);
    default:
      return null;
  }
}
