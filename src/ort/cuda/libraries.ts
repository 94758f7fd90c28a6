import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../../errors.js";
import { openLibrary, type Library } from "../../ffi/library.js";
import { MACHINES, readElf, type Elf } from "./elf.js";
import { searchPlaces, thisMachine, type Place, type Surroundings } from "./places.js";
import type { Provider } from "./provider.js";

/** A library that was found, and by whom. */
export interface FoundLibrary {
  readonly path: string;
  /** What led there: "the loader's cache", "CUDA toolkit", "pip's nvidia packages". */
  readonly source: string;
  /** The loader finds it by itself; any other is loaded by its path before the provider asks for it by name. */
  readonly byLoader: boolean;
}

/** A library that the provider needs, and where it is. */
export interface CudaLibrary {
  /** The name by which it is needed: "libcublas.so.13". */
  readonly name: string;
  /** Whether no CUDA session can be made, or only some operator computed, without it. */
  readonly required: boolean;
  readonly found: FoundLibrary | null;
}

/** What is there, what is missing, and what to load in which order. */
export interface LibraryPlan {
  readonly cudaMajor: number;
  readonly libraries: readonly CudaLibrary[];
  /** Paths, each after those that it needs. */
  readonly load: readonly string[];
  /** Where was looked for what is missing: sources and folders, each once. */
  readonly lookedIn: readonly string[];
}

/** Finds files by the names under which libraries need each other, and remembers where it looked. */
export interface Locator {
  locate(name: string): FoundLibrary | null;
  readonly lookedIn: () => string[];
}

/** Searches this machine for what a provider needs, and decides what to load. */
export function planLibraries(
  provider: Provider,
  cudaMajor: number,
  surroundings: Surroundings = thisMachine(),
): LibraryPlan {
  const locator = createLocator(surroundings, cudaMajor);
  const wanted = wantedLibraries(provider.needed, cudaMajor);
  const libraries = wanted.map((library) => ({ ...library, found: locator.locate(library.name) }));
  const load = loadOrder(
    libraries.flatMap(({ found }) => (found === null ? [] : [found])),
    (name) => locator.locate(name),
    readElf,
    companionsOf,
  );
  return { cudaMajor, libraries, load, lookedIn: locator.lookedIn() };
}

/**
 * The libraries of CUDA that a provider needs: those that the loader brings along with it, and those that ONNX Runtime
 * 1.27 and newer, or cuDNN, load by name when an operator asks for them. The driver (libcuda) has been loaded by then.
 */
export function wantedLibraries(
  needed: readonly string[],
  cudaMajor: number,
): { name: string; required: boolean }[] {
  const direct = needed.filter((name) => /^lib(cu|nv)/.test(name) && !name.startsWith("libcuda.so"));
  const later = [
    { name: "libcudnn.so.9", required: true },
    // cuFFT has a major version of its own, one below CUDA's.
    { name: `libcufft.so.${cudaMajor - 1}`, required: false },
    { name: `libnvrtc.so.${cudaMajor}`, required: false },
  ].filter(({ name }) => !direct.some((other) => stemOf(other) === stemOf(name)));
  return [...direct.map((name) => ({ name, required: true })), ...later];
}

/** "libcudnn" of "libcudnn.so.9" */
const stemOf = (name: string): string => name.split(".so")[0]!;

export function createLocator(surroundings: Surroundings, cudaMajor: number): Locator {
  const known = new Map<string, FoundLibrary | null>();
  const looked = new Set<string>();
  const remaining = searchPlaces(surroundings, cudaMajor);
  const seen: Place[] = [];
  let cache: ReadonlyMap<string, string> | undefined;

  /** The places that an earlier search went through, then those that the generator still has. */
  function* places(): Generator<Place> {
    yield* seen;
    for (let next = remaining.next(); !next.done; next = remaining.next()) {
      seen.push(next.value);
      yield next.value;
    }
  }

  function search(name: string): FoundLibrary | null {
    const cached = (cache ??= surroundings.loaderCache()).get(name);
    looked.add("the loader's cache");
    for (const { folder, source, byLoader } of places()) {
      if (cached !== undefined && !byLoader) break;
      looked.add(byLoader ? source : folder);
      const path = join(folder, name);
      if (existsSync(path) && readElf(path)?.machine === MACHINES[surroundings.arch])
        return { path, source, byLoader };
    }
    return cached === undefined ? null : { path: cached, source: "the loader's cache", byLoader: true };
  }

  return {
    locate(name) {
      if (!known.has(name)) known.set(name, search(name));
      return known.get(name)!;
    },
    lookedIn: () => [...looked],
  };
}

/**
 * Paths to load, each after what it needs: a library that is loaded already satisfies whoever needs its name. What
 * the loader finds by itself, in its own places or by the library's own runpath, is left to it.
 */
export function loadOrder(
  roots: readonly FoundLibrary[],
  locate: (name: string) => FoundLibrary | null,
  read: (path: string) => Elf | null,
  companions: (path: string, elf: Elf) => readonly string[] = () => [],
): string[] {
  const order: string[] = [];
  const visited = new Set<string>();
  const visit = (path: string): void => {
    if (visited.has(path)) return;
    visited.add(path);
    const elf = read(path);
    if (elf === null) return;
    for (const name of elf.needed) {
      if (inRunpath(path, elf, name)) continue;
      const found = /^lib(cu|nv)/.test(name) ? locate(name) : null;
      if (found !== null && !found.byLoader) visit(found.path);
    }
    for (const companion of companions(path, elf)) visit(companion);
    order.push(path);
  };
  for (const { path, byLoader } of roots) if (!byLoader) visit(path);
  return order;
}

/** Whether the loader finds `name` through the runpath of the library at `path`. */
function inRunpath(path: string, { runpath }: Elf, name: string): boolean {
  return runpathFolders(path, runpath).some((folder) => existsSync(join(folder, name)));
}

const runpathFolders = (path: string, runpath: readonly string[]): string[] =>
  runpath.map((folder) => folder.replace(/\$ORIGIN|\$\{ORIGIN\}/g, dirname(path)));

/**
 * The other files of cuDNN 9, which libcudnn loads by name when it needs them: where its runpath does not name their
 * folder, they have to be loaded before.
 */
function companionsOf(path: string, { soname, runpath }: Elf): string[] {
  const folder = dirname(path);
  if (soname === null || stemOf(soname) !== "libcudnn" || runpathFolders(path, runpath).includes(folder))
    return [];
  const major = soname.slice("libcudnn.so".length);
  return readdirSync(folder)
    .filter((name) => name.startsWith("libcudnn_") && name.endsWith(`.so${major}`))
    .sort()
    .map((name) => join(folder, name));
}

/** Throws where a library without which there is no CUDA session is missing. */
export function assertComplete({ libraries, lookedIn, cudaMajor }: LibraryPlan): void {
  const missing = libraries.filter(({ required, found }) => required && found === null);
  if (missing.length === 0) return;
  const names = missing.map(({ name }) => name);
  throw new UserError(
    `${names.join(", ")} ${names.length === 1 ? "is" : "are"} missing (looked in ${lookedIn.join(", ")}); ` +
      `${howToInstall(names, cudaMajor)}.`,
  );
}

/** Names on PyPI of what a library is in; since CUDA 13 only cuDNN's has the CUDA version in it. */
const PACKAGES: Record<string, string> = {
  libcublas: "cublas",
  libcublasLt: "cublas",
  libcudart: "cuda-runtime",
  libcurand: "curand",
  libcufft: "cufft",
  libnvrtc: "cuda-nvrtc",
  libcudnn: "cudnn",
  libnvJitLink: "nvjitlink",
};

/** What to do about missing libraries, without a full stop. */
export function howToInstall(names: readonly string[], cudaMajor: number): string {
  const packages = names.flatMap((name) => {
    const stem = PACKAGES[stemOf(name)];
    if (stem === undefined) return [];
    const suffixed = stem === "cudnn" || cudaMajor < 13;
    return suffixed ? `nvidia-${stem}-cu${cudaMajor}` : `nvidia-${stem}~=${pipMajor(name, cudaMajor)}.0`;
  });
  const toolkit = `install CUDA ${cudaMajor} and cuDNN 9 from NVIDIA`;
  return packages.length === 0
    ? toolkit
    : `\`pip install ${[...new Set(packages)].join(" ")}\`, or ${toolkit}`;
}

/** pip's versions follow the library's own: libcufft.so.12 is in nvidia-cufft 12, libcublas.so.13 in nvidia-cublas 13. */
const pipMajor = (name: string, cudaMajor: number): string => name.split(".so.")[1] ?? `${cudaMajor}`;

/** Loads what the loader would not find, in order. They stay loaded, and satisfy whoever asks for their names. */
export function loadLibraries({ load, cudaMajor }: LibraryPlan): void {
  for (const path of load)
    openLibrary(
      "a CUDA library",
      [{ path, source: "the search for CUDA libraries" }],
      `The provider was built for CUDA ${cudaMajor}.`,
    );
}

/** The CUDA runtime of a plan, loaded. */
export function openCudart({ libraries }: LibraryPlan): Library {
  const { name, found } = libraries.find((library) => stemOf(library.name) === "libcudart")!;
  const candidate =
    found === null || found.byLoader
      ? { path: name, source: "the system's loader" }
      : { path: found.path, source: found.source };
  return openLibrary("the CUDA runtime", [candidate], "Install the CUDA toolkit.");
}
