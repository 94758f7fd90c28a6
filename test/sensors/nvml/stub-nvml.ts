import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { koffi } from "../../../src/ffi/koffi.js";
import { compile } from "../../support/gcc.js";

/** NVML without GPUs: stub-nvml.c, compiled and loaded. */
export interface StubNvml {
  readonly path: string;
  /** A setting of the stub, for every thread of this process. */
  readonly set: (name: string, value: number) => void;
}

const SOURCE = readFileSync(join(import.meta.dirname, "stub-nvml.c"), "utf8");
const compiled = new Map<string, string>();
/** A library that is collected as garbage is unloaded, and its settings with it. */
const loaded: StubNvml[] = [];

/** A library of its own, with settings of its own. */
export function stubNvml(folder: string, name: string, flags: readonly string[] = []): StubNvml {
  const key = flags.join();
  const built = compiled.get(key) ?? compile(folder, `stub${key}.so`, SOURCE, { flags });
  compiled.set(key, built);
  const path = join(folder, name);
  copyFileSync(built, path);
  const set = koffi().load(path).func("void stub_set(const char *, long long)") as StubNvml["set"];
  const stub = { path, set };
  loaded.push(stub);
  return stub;
}

export const GPU_0 = "GPU-00000000-0000-0000-0000-000000000000";
export const GPU_1 = "GPU-00000001-0000-0000-0000-000000000000";
