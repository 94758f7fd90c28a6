import { FUNCTION_NOT_FOUND, INSUFFICIENT_SIZE, SUCCESS } from "./codes.js";
import type { Nvml, NvmlFunction } from "./library.js";

/** A process that has a context on a GPU. */
export interface GpuProcess {
  /** On the host: in a container its own processes have others. */
  pid: number;
  /** Null where it is not told, e.g. always on Windows. */
  usedBytes: number | null;
}

/** Functions of one list, newest first, and the sizes of their entries. */
type Versions = readonly (readonly [name: NvmlFunction, entryBytes: number])[];

const LISTS: readonly Versions[] = [
  [
    ["nvmlDeviceGetComputeRunningProcesses_v3", 24],
    ["nvmlDeviceGetComputeRunningProcesses_v2", 24],
    ["nvmlDeviceGetComputeRunningProcesses", 16],
  ],
  [
    ["nvmlDeviceGetGraphicsRunningProcesses_v3", 24],
    ["nvmlDeviceGetGraphicsRunningProcesses_v2", 24],
    ["nvmlDeviceGetGraphicsRunningProcesses", 16],
  ],
];

/** Processes that compute or draw on a GPU, or the code of the failure when neither list is told. */
export function gpuProcesses(nvml: Nvml, device: bigint): GpuProcess[] | number {
  const byPid = new Map<number, GpuProcess>();
  let failure = SUCCESS;
  let told = false;
  for (const versions of LISTS) {
    const list = listOf(nvml, device, versions);
    if (typeof list === "number") {
      failure = list;
      continue;
    }
    told = true;
    for (const process of list) byPid.set(process.pid, process);
  }
  return told ? [...byPid.values()] : failure;
}

function listOf(nvml: Nvml, device: bigint, versions: Versions): GpuProcess[] | number {
  for (const [name, entryBytes] of versions) {
    const list = read(nvml, device, name, entryBytes);
    if (list !== FUNCTION_NOT_FOUND) return list;
  }
  return FUNCTION_NOT_FOUND;
}

/** Entries beyond those that are needed now, for processes that start meanwhile. */
const SPARE = 8;
const LARGEST_ENTRY = 32;
/** What the buffer is filled with before the call: what still stands there afterwards was not written. */
const UNTOUCHED = 0xa5;

function read(nvml: Nvml, device: bigint, name: NvmlFunction, entryBytes: number): GpuProcess[] | number {
  const count = new Uint32Array(1);
  let code = nvml.call(name, device, count, null);
  for (let tries = 0; code === INSUFFICIENT_SIZE && tries < 5; tries++) {
    const capacity = count[0]! + SPARE;
    const entries = Buffer.alloc(capacity * LARGEST_ENTRY, UNTOUCHED);
    count[0] = capacity;
    code = nvml.call(name, device, count, entries);
    if (code === SUCCESS) return decode(entries, count[0], entryBytes);
  }
  return code === SUCCESS ? [] : code;
}

function decode(entries: Buffer, count: number, documented: number): GpuProcess[] {
  const stride = strideOf(entries, count, documented);
  return Array.from({ length: count }, (_, index) => {
    const used = entries.readBigUInt64LE(index * stride + 8);
    return {
      pid: entries.readUInt32LE(index * stride),
      usedBytes: used === NOT_AVAILABLE ? null : Number(used),
    };
  });
}

const NOT_AVAILABLE = 2n ** 64n - 1n;

/**
 * Bytes from one entry to the next. Drivers 535.43 to 535.86 wrote entries of 32 bytes by the function whose entries
 * have 24 (nvitop's issues 79, 88, 89, 94), and one report speaks of 16: how far they wrote tells.
 */
function strideOf(entries: Buffer, count: number, documented: number): number {
  if (documented !== 24 || count < 2) return documented;
  const written = (from: number, to: number): boolean =>
    entries.subarray(from * count, to * count).some((byte) => byte !== UNTOUCHED);
  return written(24, 32) ? 32 : written(16, 24) ? 24 : 16;
}
