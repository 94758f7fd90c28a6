import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { entries, sitePackages, type Surroundings } from "../cuda/places.js";
import type { OperatorsEp } from "./library.js";

export interface Compiler {
  readonly path: string;
  /** The line of `--version` that tells one from another. */
  readonly version: string;
}

const CPP = ["g++", "c++", "clang++"];

/** The first compiler that answers, or null: of C++, or nvcc. */
export function findCompiler(ep: OperatorsEp, surroundings: Surroundings): Compiler | null {
  for (const path of ep === "cpu" ? onPath(CPP, surroundings) : nvccs(surroundings)) {
    const answer = spawnSync(path, ["--version"], { encoding: "utf8", timeout: 10_000 });
    if (answer.status !== 0) continue;
    const lines = answer.stdout.split("\n").filter(Boolean);
    return { path, version: lines.find((line) => line.includes("release")) ?? lines[0] ?? "" };
  }
  return null;
}

/** Where a compiler was looked for, and how to get one. */
export const HOW_TO_GET: Record<OperatorsEp, string> = {
  cpu: `there is no C++ compiler: none of ${CPP.join(", ")} is on PATH; install one, e.g. \`apt-get install g++\``,
  cuda:
    "there is no nvcc on PATH, in CUDA_HOME, /usr/local/cuda* or pip's nvidia packages; install the CUDA toolkit, or " +
    "`pip install nvidia-cuda-nvcc nvidia-cuda-crt nvidia-nvvm nvidia-cuda-runtime nvidia-cuda-cccl`",
};

function onPath(names: readonly string[], { environment }: Surroundings): string[] {
  const folders = (environment.PATH ?? "").split(delimiter).filter(Boolean);
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .filter((path) => existsSync(path));
}

/** Lazily, as the last places cost the start of a Python. */
function* nvccs(surroundings: Surroundings): Generator<string> {
  const { root, environment, home, pythonPaths } = surroundings;
  yield* onPath(["nvcc"], surroundings);
  const toolkits = entries(`${root}/usr/local`)
    .filter((name) => /^cuda(-[\d.]+)?$/.test(name))
    // "cuda" is the one in use; then newer before older.
    .sort(
      (a, b) => Number(b === "cuda") - Number(a === "cuda") || b.localeCompare(a, "en", { numeric: true }),
    )
    .map((name) => `${root}/usr/local/${name}`);
  const { CUDA_HOME, VIRTUAL_ENV, CONDA_PREFIX } = environment;
  yield* existing([...(CUDA_HOME ? [CUDA_HOME] : []), ...toolkits, ...(CONDA_PREFIX ? [CONDA_PREFIX] : [])]);
  const prefixes = [VIRTUAL_ENV, CONDA_PREFIX, join(home, ".local")].filter((prefix) => prefix !== undefined);
  yield* existing(prefixes.flatMap(sitePackages).flatMap(nvidiaFolders));
  yield* existing(pythonPaths().flatMap(nvidiaFolders));
}

/** nvidia/cu13 of pip's packages: CUDA 13 and newer are laid out as a toolkit is. */
const nvidiaFolders = (folder: string): string[] =>
  entries(join(folder, "nvidia"))
    .filter((name) => /^cu\d+$/.test(name))
    .sort((a, b) => b.localeCompare(a, "en", { numeric: true }))
    .map((name) => join(folder, "nvidia", name));

const existing = (toolkits: readonly string[]): string[] =>
  toolkits.map((folder) => join(folder, "bin", "nvcc")).filter((path) => existsSync(path));
