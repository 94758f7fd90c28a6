import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

/** A folder where shared libraries may be. */
export interface Place {
  readonly folder: string;
  /** What put it on the list, for a person: "LD_LIBRARY_PATH", "CUDA toolkit", "pip's nvidia packages". */
  readonly source: string;
  /** The loader looks there by itself. */
  readonly byLoader: boolean;
}

/** The machine as the search sees it; a test gives another one. */
export interface Surroundings {
  /** Put before every absolute path of the system: "" but in tests. */
  readonly root: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly home: string;
  readonly arch: string;
  /** sys.path of the pythons on PATH: asked for last, as starting them takes time. */
  readonly pythonPaths: () => readonly string[];
  /** Files by name, as the loader's cache has them. */
  readonly loaderCache: () => ReadonlyMap<string, string>;
}

export const thisMachine = (): Surroundings => ({
  root: "",
  environment: process.env,
  home: homedir(),
  arch: process.arch,
  pythonPaths: () => pythonPaths(process.env),
  loaderCache,
});

/**
 * Folders to search, in the order in which they are taken: the loader's own, then others. It is a generator because
 * the last ones cost the start of a Python.
 *
 * @param cudaMajor CUDA version that is wanted: cuDNN 9 has one name for all, so a package for another one is passed by
 */
export function* searchPlaces(surroundings: Surroundings, cudaMajor: number): Generator<Place> {
  const { root, environment, home, arch, pythonPaths } = surroundings;
  for (const folder of (environment.LD_LIBRARY_PATH ?? "").split(delimiter).filter(Boolean))
    yield { folder, source: "LD_LIBRARY_PATH", byLoader: true };
  for (const folder of ["/lib64", "/usr/lib64", "/lib", "/usr/lib"])
    yield { folder: root + folder, source: "the loader's own folders", byLoader: true };

  yield* toolkitFolders(root, arch, cudaMajor);

  const { VIRTUAL_ENV, CONDA_PREFIX } = environment;
  if (VIRTUAL_ENV) yield* nvidiaPackages(sitePackages(VIRTUAL_ENV), cudaMajor);
  if (CONDA_PREFIX) {
    yield other(join(CONDA_PREFIX, "lib"), "conda");
    yield* nvidiaPackages(sitePackages(CONDA_PREFIX), cudaMajor);
  }

  const system = `${root}/usr/lib/${arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;
  yield other(system, "the system's folder");
  if (arch === "arm64") for (const name of ["nvidia", "tegra"]) yield other(join(system, name), "JetPack");

  yield* nvidiaPackages(sitePackages(join(home, ".local")), cudaMajor);
  yield* nvidiaPackages(pythonPaths(), cudaMajor);
}

const other = (folder: string, source: string): Place => ({ folder, source, byLoader: false });

/** A toolkit's folders below /usr/local: the one in use first, then those of the wanted version, then newer before older. */
function toolkitFolders(root: string, arch: string, cudaMajor: number): Place[] {
  const targets = arch === "arm64" ? ["sbsa-linux", "aarch64-linux"] : ["x86_64-linux"];
  const rank = (name: string): number =>
    name === "cuda" ? 2 : name === `cuda-${cudaMajor}` || name.startsWith(`cuda-${cudaMajor}.`) ? 1 : 0;
  const names = entries(`${root}/usr/local`)
    .filter((name) => /^cuda(-[\d.]+)?$/.test(name))
    .sort((a, b) => rank(b) - rank(a) || b.localeCompare(a, "en", { numeric: true }));
  return names.flatMap((name) =>
    ["lib64", ...targets.map((target) => `targets/${target}/lib`)]
      .map((folder) => other(`${root}/usr/local/${name}/${folder}`, "CUDA toolkit"))
      .filter(({ folder }) => existsSync(folder)),
  );
}

/** lib/python3.12/site-packages and its like, below an environment's folder. */
export function sitePackages(prefix: string): string[] {
  const lib = join(prefix, "lib");
  return entries(lib)
    .filter((name) => /^python3(\.\d+)?$/.test(name))
    .flatMap((name) => ["site-packages", "dist-packages"].map((folder) => join(lib, name, folder)));
}

/** nvidia/cu13/lib, nvidia/cudnn/lib and so on, below each folder of Python packages. */
function* nvidiaPackages(folders: readonly string[], cudaMajor: number): Generator<Place> {
  for (const folder of folders) {
    const nvidia = join(folder, "nvidia");
    const names = entries(nvidia).sort();
    // An empty-handed search still says that it was here.
    if (names.length === 0 && /(site|dist)-packages$/.test(folder))
      yield other(nvidia, "pip's nvidia packages");
    for (const name of names) {
      const lib = join(nvidia, name, "lib");
      if (!existsSync(lib) || (name === "cudnn" && isCudnnOfAnotherCuda(folder, cudaMajor))) continue;
      yield other(lib, "pip's nvidia packages");
    }
  }
}

/** Whether pip's record names cuDNN packages, but none for the wanted CUDA: they would call another cuBLAS than ours. */
function isCudnnOfAnotherCuda(folder: string, cudaMajor: number): boolean {
  const majors = entries(folder).flatMap((name) => /^nvidia_cudnn_cu(\d+)-/.exec(name)?.[1] ?? []);
  return majors.length > 0 && !majors.includes(`${cudaMajor}`);
}

/** sys.path of every python on PATH; nothing where there is none, or it does not answer in time. */
export function pythonPaths(environment: NodeJS.ProcessEnv): string[] {
  const programs = (environment.PATH ?? "")
    .split(delimiter)
    .filter(Boolean)
    .flatMap((folder) => ["python3", "python"].map((name) => join(folder, name)))
    .filter((path) => existsSync(path));
  const answers = [...new Set(programs)].map((program) =>
    output(program, ["-c", "import sys; print('\\n'.join(sys.path))"], environment),
  );
  const lines = answers.flatMap((answer) => answer?.split("\n") ?? []).map((line) => line.trim());
  return [...new Set(lines.filter((line) => line.startsWith("/")))];
}

/** /etc/ld.so.cache as ldconfig prints it. Debian keeps ldconfig off the PATH of ordinary users. */
function loaderCache(): Map<string, string> {
  for (const program of ["/sbin/ldconfig", "/usr/sbin/ldconfig", "ldconfig"]) {
    const text = output(program, ["-p"], process.env);
    if (text !== null) return parseLoaderCache(text, process.arch);
  }
  return new Map();
}

/** What a program prints, or null when it cannot be run, fails, or takes longer than 5 s. */
function output(program: string, args: string[], env: NodeJS.ProcessEnv): string | null {
  try {
    return execFileSync(program, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 5000,
      maxBuffer: 64 * 1024 * 1024,
      env,
    });
  } catch {
    return null;
  }
}

/** `ldconfig -p`: "\tlibm.so.6 (libc6,x86-64, OS ABI: Linux 3.2.0) => /lib/x86_64-linux-gnu/libm.so.6" */
export function parseLoaderCache(text: string, arch: string): Map<string, string> {
  const ours = arch === "arm64" ? "AArch64" : "x86-64";
  const files = new Map<string, string>();
  for (const [, name, kind, path] of text.matchAll(/^\s+(\S+) \(([^)]*)\) => (.+)$/gm))
    if (kind!.includes(ours) && !files.has(name!)) files.set(name!, path!.trim());
  return files;
}

/** Names in a folder; none where there is no such folder. */
export function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
