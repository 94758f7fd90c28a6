import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { cpus, homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { openDriver } from "../cuda/driver.js";
import { entries } from "../cuda/places.js";
import { capabilityOf } from "./capability.js";

/** Execution providers that the fused operators can be built for. */
export type OperatorsEp = "cpu" | "cuda";

/** A library of the fused operators, as build.json beside it says. */
export interface OperatorsBuild {
  readonly ep: OperatorsEp;
  /** Hash of the sources it was compiled from. */
  readonly sources: string;
  /** What it runs on: one signature of a CPU, or compute capabilities of GPUs ("90"). */
  readonly architectures: readonly string[];
  readonly compiler: string;
  readonly seconds: number;
  readonly built_at: string;
}

/** C++ and CUDA, as they are shipped: the same number of steps up from src/ort/ops and from dist/ort/ops. */
const SOURCES = fileURLToPath(new URL("../../../src/ort/ops/", import.meta.url));

export const BUILD_FILE = "build.json";
/** How the folder begins that a library is made in. */
export const UNFINISHED = ".building-";
export const libraryName = (ep: OperatorsEp): string => `libssm_scope_ops_${ep}.so`;

/** Where libraries are kept, each in a folder of its own: SSM_SCOPE_OPS, or below the cache (XDG Base Directory Specification). */
export function operatorsFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const { SSM_SCOPE_OPS: own, XDG_CACHE_HOME: cache } = environment;
  if (own && isAbsolute(own)) return own;
  return join(cache && isAbsolute(cache) ? cache : join(homedir(), ".cache"), "ssm-scope", "ops");
}

/** What a compiler may read for a provider. */
const MAY_BE_READ: Record<OperatorsEp, RegExp> = {
  cpu: /\.(cc|h)$/,
  cuda: /^operators\.cc$|\.(cu|cuh|h)$/,
};

/** The sources, and the hash of all that a compiler may read of them. */
export function operatorSources(ep: OperatorsEp, folder = SOURCES): { folder: string; hash: string } {
  const hash = createHash("sha256");
  for (const name of entries(folder)
    .filter((file) => MAY_BE_READ[ep].test(file))
    .sort()) {
    const bytes = readFileSync(join(folder, name));
    hash.update(`${name} ${bytes.length} `).update(bytes);
  }
  return { folder, hash: hash.digest("hex").slice(0, 16) };
}

/** What code compiled for the CPU at hand may use: another CPU of the name may lack some of it. */
export function cpuSignature(): string {
  let features = "";
  try {
    features = /^(?:flags|Features)\s*:.*$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[0] ?? "";
  } catch {
    // Elsewhere than on Linux its name has to do.
  }
  const facts = [process.arch, cpus()[0]?.model ?? "", features].join("\n");
  return `${process.arch}-${createHash("sha256").update(facts).digest("hex").slice(0, 12)}`;
}

/** What a device needs of a library. */
export interface OperatorsTarget {
  readonly ep: OperatorsEp;
  /** Compute capability of the GPU, "9.0"; null on the CPU. */
  readonly cuda: { readonly computeCapability: string } | null;
}

/** The newest library of the present sources that runs on the device, or null. */
export function findOperators({ ep, cuda }: OperatorsTarget, folder = operatorsFolder()): string | null {
  const architecture = cuda ? capabilityOf(cuda.computeCapability) : cpuSignature();
  const { hash } = operatorSources(ep);
  const fitting = entries(folder)
    // Another process may be about to move away what it is making.
    .filter((name) => !name.startsWith(UNFINISHED))
    .map((name) => ({ path: join(folder, name), build: readBuild(join(folder, name)) }))
    .filter(
      ({ build }) => build?.ep === ep && build.sources === hash && build.architectures.includes(architecture),
    )
    .sort((a, b) => b.build!.built_at.localeCompare(a.build!.built_at));
  return fitting[0] ? join(fitting[0].path, libraryName(ep)) : null;
}

/** The same before any session: of a GPU only the driver is asked. */
export function operatorsFor(ep: OperatorsEp, deviceId: number): string | null {
  if (ep === "cpu") return findOperators({ ep, cuda: null });
  try {
    const cuda = openDriver().devices.find(({ id }) => id === deviceId);
    return cuda ? findOperators({ ep, cuda }) : null;
  } catch {
    // No GPU, no operators for it: that the GPU is missing is said by whoever opens it.
    return null;
  }
}

export function readBuild(folder: string): OperatorsBuild | null {
  try {
    return JSON.parse(readFileSync(join(folder, BUILD_FILE), "utf8")) as OperatorsBuild;
  } catch {
    // Not a folder of ours, or one that somebody is cleaning up.
    return null;
  }
}
