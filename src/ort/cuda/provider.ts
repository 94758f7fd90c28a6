import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { MACHINES, readElf, readSection } from "./elf.js";

/** The two files of the CUDA execution provider: the second is the bridge through which ONNX Runtime reaches it. */
export const PROVIDER_FILES = [
  "libonnxruntime_providers_cuda.so",
  "libonnxruntime_providers_shared.so",
] as const;

/** A CUDA execution provider, as its file tells. */
export interface Provider {
  readonly path: string;
  /** ONNX Runtime's version that it was built with, or null where the file does not say. */
  readonly version: string | null;
  /** CUDA major version that it was built with: 12, 13. */
  readonly cudaMajor: number | null;
  /** Shared libraries that the loader brings along with it (DT_NEEDED). */
  readonly needed: readonly string[];
}

/** ONNX Runtime looks for its providers in its own folder, and nowhere else. */
export const providerFolder = (runtimeLibrary: string): string => dirname(runtimeLibrary);

/** Which of the provider's files are not beside the runtime library. */
export function missingProviderFiles(runtimeLibrary: string): string[] {
  const folder = providerFolder(runtimeLibrary);
  return PROVIDER_FILES.filter((name) => !existsSync(join(folder, name)));
}

/**
 * Reads a provider's file, or gives null where it is none for this machine.
 *
 * @param expectedVersion the runtime's version: looked for first, as that is the fast way
 */
export function readProvider(
  path: string,
  expectedVersion?: string,
  arch: string = process.arch,
): Provider | null {
  const elf = readElf(path);
  if (elf === null || elf.machine !== MACHINES[arch]) return null;
  return {
    path,
    version: versionIn(readSection(path, ".rodata") ?? Buffer.alloc(0), expectedVersion),
    cudaMajor: cudaMajorOf(elf.needed),
    needed: elf.needed,
  };
}

/**
 * ONNX Runtime's version among the constants of a provider: every one since 1.23 is also an EP library whose factory
 * gives its version, so ORT_VERSION stands there as a string of its own. Other strings of that form are versions of
 * kernels ("7.2.0"), and none begins with "1.".
 */
export function versionIn(constants: Buffer, expected?: string): string | null {
  if (expected !== undefined && constants.includes(`\0${expected}\0`, "latin1")) return expected;
  return /(?:^|\0)(1\.\d+\.\d+)\0/.exec(constants.toString("latin1"))?.[1] ?? null;
}

/** The number behind libcudart.so in what a provider needs. */
export function cudaMajorOf(needed: readonly string[]): number | null {
  const runtime = needed.find((name) => name.startsWith("libcudart.so."));
  return runtime === undefined ? null : Number.parseInt(runtime.slice("libcudart.so.".length), 10);
}
