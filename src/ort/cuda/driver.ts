import { UserError } from "../../errors.js";
import { koffi } from "../../ffi/koffi.js";
import { openLibrary, type Candidate, type Library } from "../../ffi/library.js";

/** A GPU, as the driver describes it. */
export interface CudaDevice {
  readonly id: number;
  readonly name: string;
  /** "9.0" */
  readonly computeCapability: string;
  readonly totalBytes: number;
  /** As nvidia-smi prints it: "GPU-8-4-4-4-12"; null where the driver does not tell. */
  readonly uuid: string | null;
}

/** NVIDIA's driver, started. */
export interface CudaDriver {
  readonly path: string;
  /** Newest CUDA version that it supports: "13.0". */
  readonly version: string;
  readonly devices: readonly CudaDevice[];
}

/** Where driver installations leave libcuda: the loader's path, then WSL, JetPack 6, JetPack 5, NixOS. */
const CANDIDATES: readonly Candidate[] = [
  { path: "libcuda.so.1", source: "the system's loader" },
  { path: "/usr/lib/wsl/lib/libcuda.so.1", source: "WSL" },
  { path: "/usr/lib/aarch64-linux-gnu/nvidia/libcuda.so.1", source: "JetPack" },
  { path: "/usr/lib/aarch64-linux-gnu/tegra/libcuda.so.1", source: "JetPack" },
  { path: "/run/opengl-driver/lib/libcuda.so.1", source: "NixOS" },
];

const OTHERWISE = "or measure on the CPU (--ep cpu)";

/** Starts the driver and describes its GPUs. Throws a UserError where there is no driver, or it has no GPU. */
export function openDriver(): CudaDriver {
  const library = openDriverLibrary();
  const cuda = bind(library);
  const started = cuda.cuInit(0);
  if (started === NO_DEVICE) throw new UserError(noDevice(process.env.CUDA_VISIBLE_DEVICES));
  if (started !== 0)
    throw new UserError(
      `The NVIDIA driver does not start: cuInit fails with ${cuda.describe(started)}; see whether nvidia-smi works, ` +
        `restart after an update of the driver, ${OTHERWISE}.`,
    );
  const count = cuda.int("cuDeviceGetCount");
  if (count === 0) throw new UserError(noDevice(process.env.CUDA_VISIBLE_DEVICES));
  return {
    path: library.path,
    version: cudaVersionText(cuda.int("cuDriverGetVersion")),
    devices: Array.from({ length: count }, (_, id) => describeDevice(cuda, id)),
  };
}

/** 13000 is "13.0", 12080 is "12.8": 1000 * major + 10 * minor. */
export const cudaVersionText = (number: number): string =>
  `${Math.floor(number / 1000)}.${Math.floor((number % 1000) / 10)}`;

function openDriverLibrary(): Library {
  try {
    return openLibrary("the NVIDIA driver", CANDIDATES, "");
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(
      `There is no NVIDIA driver on this machine: libcuda.so.1 is not to be found; install the driver of the GPU, ` +
        `start the container with GPU access, ${OTHERWISE}.`,
    );
  }
}

function noDevice(visible: string | undefined): string {
  const why = visible === undefined ? "" : ` with CUDA_VISIBLE_DEVICES="${visible}"`;
  return `The NVIDIA driver finds no GPU${why}; see what nvidia-smi lists, ${OTHERWISE}.`;
}

// CUresult and CUdevice_attribute of cuda.h.
const NO_DEVICE = 100;
const COMPUTE_CAPABILITY_MAJOR = 75;
const COMPUTE_CAPABILITY_MINOR = 76;

function describeDevice(cuda: Driver, id: number): CudaDevice {
  const device = cuda.int("cuDeviceGet", id);
  const attribute = (number: number): number => cuda.int("cuDeviceGetAttribute", number, device);
  const total = new BigUint64Array(1);
  cuda.check("cuDeviceTotalMem_v2", cuda.call("cuDeviceTotalMem_v2", total, device));
  return {
    id,
    name: cuda.text("cuDeviceGetName", device) ?? "unknown",
    computeCapability: `${attribute(COMPUTE_CAPABILITY_MAJOR)}.${attribute(COMPUTE_CAPABILITY_MINOR)}`,
    totalBytes: Number(total[0]),
    uuid: uuidOf(cuda, device),
  };
}

/** Version 2 of the function names the slice where a GPU is cut up (MIG); drivers before CUDA 11.4 lack it. */
function uuidOf(cuda: Driver, device: number): string | null {
  const name = cuda.has("cuDeviceGetUuid_v2") ? "cuDeviceGetUuid_v2" : "cuDeviceGetUuid";
  const bytes = new Uint8Array(16);
  if (!cuda.has(name) || cuda.call(name, bytes, device) !== 0) return null;
  const hex = Buffer.from(bytes).toString("hex");
  return `GPU-${[hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")}`;
}

/** The functions of cuda.h that are called here: C types of the arguments; all return CUresult. */
const SIGNATURES = {
  cuInit: ["uint"],
  cuDriverGetVersion: ["void*"],
  cuDeviceGetCount: ["void*"],
  cuDeviceGet: ["void*", "int"],
  cuDeviceGetName: ["void*", "int", "int"],
  cuDeviceGetAttribute: ["void*", "int", "int"],
  cuDeviceTotalMem_v2: ["void*", "int"],
  cuDeviceGetUuid: ["void*", "int"],
  cuDeviceGetUuid_v2: ["void*", "int"],
  cuDeviceGetPCIBusId: ["void*", "int", "int"],
  cuGetErrorName: ["int", "void*"],
} as const;

type Name = keyof typeof SIGNATURES;
type Driver = ReturnType<typeof bind>;

function bind(library: Library) {
  const { decode, proto } = koffi();
  const has = (name: Name): boolean => library.symbol(name) !== null;
  const call = (name: Name, ...values: unknown[]): number => {
    const address = library.symbol(name);
    if (address === null)
      throw new UserError(`The NVIDIA driver at ${library.path} has no ${name}; install a current driver.`);
    const native = decode(address, proto("int", [...SIGNATURES[name]])) as (...values: unknown[]) => number;
    return native(...values);
  };
  /** "CUDA_ERROR_NO_DEVICE (100)" */
  const describe = (code: number): string => {
    const pointer = new BigUint64Array(1);
    const known = has("cuGetErrorName") && call("cuGetErrorName", code, pointer) === 0 && pointer[0] !== 0n;
    return known ? `${decode.string(pointer[0]!)} (${code})` : `error ${code}`;
  };
  const check = (name: Name, code: number): void => {
    if (code !== 0)
      throw new UserError(
        `The NVIDIA driver at ${library.path} fails: ${name} gives ${describe(code)}; see whether nvidia-smi works.`,
      );
  };
  return {
    has,
    call,
    check,
    describe,
    cuInit: (flags: number): number => call("cuInit", flags),
    /** What a function writes into the int that its first argument points to. */
    int(name: Name, ...values: number[]): number {
      const cell = new Int32Array(1);
      check(name, call(name, cell, ...values));
      return cell[0]!;
    },
    /** What a function writes into a buffer of characters, or null where it does not. */
    text(name: "cuDeviceGetName" | "cuDeviceGetPCIBusId", device: number): string | null {
      const buffer = Buffer.alloc(256);
      if (!has(name) || call(name, buffer, buffer.length, device) !== 0) return null;
      return buffer.toString("utf8", 0, buffer.indexOf(0));
    },
  };
}
