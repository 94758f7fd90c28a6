import { UserError } from "../../errors.js";
import { koffi } from "../../ffi/koffi.js";
import { openLibrary, type Candidate, type Library } from "../../ffi/library.js";
import { codeName, FUNCTION_NOT_FOUND, remedy, SUCCESS } from "./codes.js";

/** NVIDIA's management library: what the driver knows of its GPUs, without a CUDA context of our own. */
export interface Nvml {
  /** Where it was loaded from. */
  readonly path: string;
  /** The code that a function returns: FUNCTION_NOT_FOUND where the library lacks it under every one of its names. */
  call(name: NvmlFunction, ...values: unknown[]): number;
}

export type NvmlFunction = keyof typeof FUNCTIONS;

/**
 * C types of the arguments, and the symbols that stand for the function, newest first, where they are not the name
 * alone: names without a suffix are what old drivers have. Source: nvml.h of CUDA 13.3.
 */
const FUNCTIONS = {
  nvmlInit: [[], ["nvmlInit_v2", "nvmlInit"]],
  nvmlSystemGetDriverVersion: [["void*", "uint"]],
  nvmlDeviceGetCount: [["void*"], ["nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"]],
  nvmlDeviceGetHandleByIndex: [
    ["uint", "void*"],
    ["nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"],
  ],
  nvmlDeviceGetName: [["void*", "void*", "uint"]],
  nvmlDeviceGetUUID: [["void*", "void*", "uint"]],
  nvmlDeviceGetPciInfo: [
    ["void*", "void*"],
    ["nvmlDeviceGetPciInfo_v3", "nvmlDeviceGetPciInfo_v2", "nvmlDeviceGetPciInfo"],
  ],
  nvmlDeviceGetArchitecture: [["void*", "void*"]],
  nvmlDeviceGetPersistenceMode: [["void*", "void*"]],
  nvmlDeviceGetMigMode: [["void*", "void*", "void*"]],
  nvmlDeviceGetMaxMigDeviceCount: [["void*", "void*"]],
  nvmlDeviceGetMigDeviceHandleByIndex: [["void*", "uint", "void*"]],
  nvmlDeviceGetFieldValues: [["void*", "int", "void*"]],
  nvmlDeviceGetPowerUsage: [["void*", "void*"]],
  nvmlDeviceGetTotalEnergyConsumption: [["void*", "void*"]],
  nvmlDeviceGetEnforcedPowerLimit: [["void*", "void*"]],
  nvmlDeviceGetMemoryInfo: [["void*", "void*"]],
  nvmlDeviceGetUtilizationRates: [["void*", "void*"]],
  nvmlDeviceGetClockInfo: [["void*", "int", "void*"]],
  nvmlDeviceGetMaxClockInfo: [["void*", "int", "void*"]],
  nvmlDeviceGetTemperature: [["void*", "int", "void*"]],
  nvmlDeviceGetTemperatureV: [["void*", "void*"]],
  nvmlDeviceGetCurrentClocksEventReasons: [
    ["void*", "void*"],
    ["nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"],
  ],
  nvmlDeviceGetComputeRunningProcesses_v3: [["void*", "void*", "void*"]],
  nvmlDeviceGetComputeRunningProcesses_v2: [["void*", "void*", "void*"]],
  nvmlDeviceGetComputeRunningProcesses: [["void*", "void*", "void*"]],
  nvmlDeviceGetGraphicsRunningProcesses_v3: [["void*", "void*", "void*"]],
  nvmlDeviceGetGraphicsRunningProcesses_v2: [["void*", "void*", "void*"]],
  nvmlDeviceGetGraphicsRunningProcesses: [["void*", "void*", "void*"]],
} as const satisfies Record<
  string,
  readonly [parameters: readonly string[], symbols?: readonly [string, ...string[]]]
>;

/** Where drivers leave it. A CUDA toolkit's `stubs` hold one that opens and fails at every call. */
const CANDIDATES: readonly Candidate[] =
  process.platform === "win32"
    ? [{ path: "nvml.dll", source: "the system's loader" }]
    : [
        { path: "libnvidia-ml.so.1", source: "the system's loader" },
        { path: "/usr/lib/wsl/lib/libnvidia-ml.so.1", source: "WSL" },
        { path: "/run/opengl-driver/lib/libnvidia-ml.so.1", source: "NixOS" },
      ];

const opened = new Map<string, Nvml | UserError>();

/**
 * The library, started; it stays so until the process ends, as without persistence mode a driver that nobody uses may
 * unload and its counters begin anew. Throws `UserError` where it is not to be had.
 *
 * @param path of the library, where it is not the system's
 */
export function openNvml(path?: string): Nvml {
  const key = path ?? "";
  let nvml = opened.get(key);
  if (!nvml) opened.set(key, (nvml = open(path)));
  if (nvml instanceof UserError) throw nvml;
  return nvml;
}

/** Without what was tried where: on a machine without an NVIDIA GPU there is nothing to be put right. */
function open(path: string | undefined): Nvml | UserError {
  let library: Library;
  try {
    const candidates = path === undefined ? CANDIDATES : [{ path, source: "the `library` option" }];
    library = openLibrary("NVML", candidates, "It comes with NVIDIA's driver.");
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return path === undefined
      ? new UserError("NVML (libnvidia-ml.so.1) is not on this machine: it comes with NVIDIA's driver.")
      : error;
  }
  const nvml = bind(library);
  const code = nvml.call("nvmlInit");
  return code === SUCCESS
    ? nvml
    : new UserError(`NVML (${library.path}) does not start: ${codeName(code)}; ${remedy(code)}.`);
}

type Native = (...values: unknown[]) => number;

function bind(library: Library): Nvml {
  const { decode, proto } = koffi();
  const natives = new Map<NvmlFunction, Native>();
  const bound = (name: NvmlFunction): Native => {
    const [parameters, symbols = [name]] = FUNCTIONS[name] as readonly [
      readonly string[],
      (readonly string[])?,
    ];
    for (const symbol of symbols) {
      const address = library.symbol(symbol);
      if (address !== null) return decode(address, proto("int", [...parameters])) as Native;
    }
    return () => FUNCTION_NOT_FOUND;
  };
  return {
    path: library.path,
    call: (name, ...values) => {
      let native = natives.get(name);
      if (!native) natives.set(name, (native = bound(name)));
      return native(...values);
    },
  };
}
