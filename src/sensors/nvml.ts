import { koffi } from "../ffi/koffi.js";
import { openLibrary, type Library } from "../ffi/library.js";

/** NVIDIA's management library: what the driver knows of its GPUs, without a CUDA context of our own. */
export interface Nvml {
  /** Memory in use on each GPU, by whomever, by the GPU's UUID. What the driver does not tell is left out. */
  usedBytes(): Map<string, number>;
}

let opened: Nvml | null | undefined;

/** Null where there is no NVIDIA driver, or on a Jetson, whose driver has no NVML. */
export function openNvml(): Nvml | null {
  return (opened ??= open());
}

function open(): Nvml | null {
  let library: Library;
  try {
    library = openLibrary("NVML", [{ path: "libnvidia-ml.so.1", source: "the system's loader" }], "");
  } catch {
    return null;
  }
  return bindNvml(library);
}

const UUID_BYTES = 96;

type Call = (...values: unknown[]) => number;

/** Null when the library cannot be initialised, e.g. as its version is not the kernel module's. */
export function bindNvml(library: Library): Nvml | null {
  const { decode, proto } = koffi();
  const bind = (name: string, parameters: string[]): Call => {
    const address = library.symbol(name);
    return address === null ? () => MISSING : (decode(address, proto("int", parameters)) as Call);
  };
  const count = bind("nvmlDeviceGetCount_v2", ["void*"]);
  const handleByIndex = bind("nvmlDeviceGetHandleByIndex_v2", ["uint", "void*"]);
  const uuid = bind("nvmlDeviceGetUUID", ["void*", "void*", "uint"]);
  // struct nvmlMemory_t { unsigned long long total, free, used; }
  const memoryInfo = bind("nvmlDeviceGetMemoryInfo", ["void*", "void*"]);
  if (bind("nvmlInit_v2", [])() !== 0) return null;

  return {
    usedBytes() {
      const devices = new Uint32Array(1);
      const used = new Map<string, number>();
      if (count(devices) !== 0) return used;
      for (let index = 0; index < devices[0]!; index++) {
        const handle = new BigUint64Array(1);
        const name = new Uint8Array(UUID_BYTES);
        const memory = new BigUint64Array(3);
        if (handleByIndex(index, handle) !== 0) continue;
        if (uuid(handle[0], name, UUID_BYTES) !== 0 || memoryInfo(handle[0], memory) !== 0) continue;
        used.set(new TextDecoder().decode(name.subarray(0, name.indexOf(0))), Number(memory[2]));
      }
      return used;
    },
  };
}

/** NVML_ERROR_FUNCTION_NOT_FOUND. */
const MISSING = 13;
