/**
 * A machine with a GPU that is none: a driver, the CUDA libraries as pip lays them out, and a provider, all compiled
 * from a few lines of C. The driver answers as environment variables tell it.
 */
import { mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { openRuntimeLibrary } from "../../src/ort/library.js";
import { compile } from "./gcc.js";

const DRIVER = `
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
static int number(const char *name, int otherwise) { char *text = getenv(name); return text ? atoi(text) : otherwise; }
int cuInit(unsigned flags) { return number("FAKE_INIT", 0); }
int cuDriverGetVersion(int *version) { *version = number("FAKE_DRIVER", 91010); return 0; }
int cuDeviceGetCount(int *count) { *count = number("FAKE_COUNT", 2); return 0; }
int cuDeviceGet(int *device, int id) { *device = 100 + id; return 0; }
int cuDeviceGetName(char *name, int size, int device) { strcpy(name, device == 100 ? "Fake One" : "Fake Two"); return 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
  *value = attribute == 75 ? number("FAKE_MAJOR", 8) : attribute == 76 ? 9 : -1;
  return 0;
}
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = 25757220864u + device; return 0; }
int cuDeviceGetUuid_v2(unsigned char *uuid, int device) { for (int i = 0; i < 16; i++) uuid[i] = 16 * i + i; return 0; }
int cuDeviceGetPCIBusId(char *id, int size, int device) { strcpy(id, "0000:01:00.0"); return 0; }
int cuGetErrorName(int error, const char **name) { *name = "CUDA_ERROR_FAKE"; return 0; }
`;

const CUDART = "int cudaRuntimeGetVersion(int *version) { *version = 91020; return 0; }";

/** A CUDA version that no machine has: the loader would take real libraries of the same names before ours. */
export const FAKE_CUDA = 91;
const CUDART_NAME = `libcudart.so.${FAKE_CUDA}`;

/** The folder that pip would give each library, in the layout since CUDA 13. */
const LIBRARIES: Record<string, string> = {
  [`libcublasLt.so.${FAKE_CUDA}`]: `cu${FAKE_CUDA}`,
  [`libcublas.so.${FAKE_CUDA}`]: `cu${FAKE_CUDA}`,
  [`libcurand.so.${FAKE_CUDA}`]: `cu${FAKE_CUDA}`,
  [CUDART_NAME]: `cu${FAKE_CUDA}`,
  "libcudnn.so.9": "cudnn",
};

export interface FakeMachine {
  /** Folder with libcuda.so.1, for LD_LIBRARY_PATH. */
  readonly driver: string;
  /** For VIRTUAL_ENV. */
  readonly environment: string;
  readonly sitePackages: string;
  /** A folder with the real runtime library, for SSM_SCOPE_ORT, and with the fake provider. */
  readonly runtimeFolder: string;
  readonly runtime: string;
  /** A folder with the provider's two files, of the version given. */
  readonly provider: string;
}

export function buildFakeMachine(folder: string, version: string): FakeMachine {
  const [driver, runtimeFolder, provider] = ["driver", "runtime", "provider"].map((name) => {
    mkdirSync(join(folder, name));
    return join(folder, name);
  }) as [string, string, string];
  compile(driver, "libcuda.so.1", DRIVER, { soname: "libcuda.so.1" });

  const environment = join(folder, "venv");
  const sitePackages = join(environment, "lib", "python3.12", "site-packages");
  const libraries = Object.entries(LIBRARIES).map(([name, pack]) => {
    const lib = join(sitePackages, "nvidia", pack, "lib");
    mkdirSync(lib, { recursive: true });
    return compile(lib, name, name === CUDART_NAME ? CUDART : "int unused;", { soname: name });
  });
  buildProvider(provider, version, libraries.slice(0, 4));

  const runtime = join(runtimeFolder, "libonnxruntime.so");
  symlinkSync(openRuntimeLibrary().path, runtime);
  return { driver, environment, sitePackages, runtimeFolder, runtime, provider };
}

/** The provider's two files; the version is a constant in the first, as in the real one. */
export function buildProvider(folder: string, version: string, needs: readonly string[]): void {
  compile(folder, "libonnxruntime_providers_cuda.so", `const char *version(void) { return "${version}"; }`, {
    needs,
    flags: ["-O1"],
  });
  compile(folder, "libonnxruntime_providers_shared.so", "int unused;");
  for (const name of ["cuda", "shared"]) rmSync(join(folder, `libonnxruntime_providers_${name}.so.c`));
}
