import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openDriver } from "../cuda/driver.js";
import { thisMachine } from "../cuda/places.js";
import { planBuild, type BuildPlan } from "./build-plan.js";
import { UserError } from "../../errors.js";
import { capabilityOf, LEAST_CAPABILITY } from "./capability.js";
import { findCompiler, HOW_TO_GET } from "./compiler.js";
import {
  BUILD_FILE,
  cpuSignature,
  libraryName,
  operatorSources,
  operatorsFolder,
  UNFINISHED,
  type OperatorsBuild,
  type OperatorsEp,
} from "./library.js";

export interface BuildOptions {
  /** Default: the CPU, and CUDA where there is a GPU or an architecture is named. */
  readonly eps?: readonly OperatorsEp[];
  /** Compute capabilities to compile CUDA for, "90" or "9.0"; default: those of the GPUs found. */
  readonly architectures?: readonly string[];
  /** Compile even what is there already. */
  readonly force?: boolean;
  /** Default: `operatorsFolder()`. */
  readonly folder?: string;
  readonly environment?: NodeJS.ProcessEnv;
}

/** What became of one provider's library. */
export interface BuildResult {
  readonly ep: OperatorsEp;
  readonly status: "built" | "found" | "failed" | "impossible";
  readonly library: string | null;
  readonly compiler: string | null;
  readonly architectures: readonly string[];
  /** Of the compilation; null where there was none. */
  readonly seconds: number | null;
  /** What the compiler was told and said. */
  readonly log: string | null;
  /** Why there is no library, in one sentence. */
  readonly problem: string | null;
}

/** Compiles the fused operators for this machine; what fails is in the result. */
export function buildOperators(options: BuildOptions = {}): BuildResult[] {
  const named = (options.architectures ?? []).map(capabilityOf);
  if (named.length > 0 && options.eps?.includes("cuda") === false)
    throw new UserError(
      `the GPU architecture ${named.join(", ")} is given, but only the CPU's library is wanted`,
    );
  const old = named.find((capability) => Number(capability) < LEAST_CAPABILITY);
  if (old !== undefined)
    throw new UserError(
      `the GPU architecture is ${old}; the fused operators need a compute capability of ${LEAST_CAPABILITY} or more`,
    );
  const capabilities =
    named.length > 0 ? named : gpuCapabilities().filter((one) => Number(one) >= LEAST_CAPABILITY);
  const eps = options.eps ?? (capabilities.length > 0 ? (["cpu", "cuda"] as const) : (["cpu"] as const));
  return eps.map((ep) => buildOne(ep, ep === "cpu" ? [cpuSignature()] : capabilities, options));
}

function buildOne(ep: OperatorsEp, architectures: readonly string[], options: BuildOptions): BuildResult {
  const { force = false, folder = operatorsFolder(), environment = process.env } = options;
  const nothing = { ep, architectures, library: null, compiler: null, seconds: null, log: null };
  const impossible = (problem: string): BuildResult => ({ ...nothing, status: "impossible", problem });
  if (architectures.length === 0)
    return impossible(
      "no GPU of compute capability 8.0 or more was found to compile for; name its compute capability, e.g. `ssm-scope ops build --arch 90`",
    );
  const compiler = findCompiler(ep, { ...thisMachine(), environment });
  if (compiler === null) return impossible(HOW_TO_GET[ep]);
  const sources = operatorSources(ep);
  const plan = planBuild(ep, compiler, architectures, sources.hash);
  const home = join(folder, plan.key);
  const done = {
    ...nothing,
    compiler: compiler.version,
    library: join(home, libraryName(ep)),
    log: join(home, LOG_FILE),
    problem: null,
  };
  if (!force && existsSync(done.library)) return { ...done, status: "found" };
  mkdirSync(folder, { recursive: true });
  const work = mkdtempSync(join(folder, UNFINISHED));
  try {
    const { seconds, problem } = compile(plan, sources.folder, work, environment);
    if (problem !== null) {
      const log = join(folder, `failed-${ep}.log`);
      renameSync(join(work, LOG_FILE), log);
      return { ...nothing, compiler: compiler.version, status: "failed", seconds, log, problem };
    }
    if (force) moveAway(home, `${work}-former`);
    place(work, home);
    return { ...done, status: "built", seconds };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

const LOG_FILE = "compile.log";

/** Makes library, log and build.json in `work`; gives the compiler's first complaint, if it failed. */
function compile(
  plan: BuildPlan,
  sources: string,
  work: string,
  environment: NodeJS.ProcessEnv,
): { seconds: number; problem: string | null } {
  const args = [...plan.args, "-o", join(work, libraryName(plan.ep))];
  const start = performance.now();
  const { status, stdout, stderr, error } = spawnSync(plan.compiler.path, args, {
    cwd: sources,
    encoding: "utf8",
    env: environment,
    maxBuffer: 64 * 1024 * 1024,
  });
  const seconds = Math.round(performance.now() - start) / 1000;
  const said = `${stdout}${stderr}`;
  writeFileSync(join(work, LOG_FILE), `${[plan.compiler.path, ...args].join(" ")}\n${said}`);
  if (status !== 0) {
    const lines = said.split("\n").filter(Boolean);
    const first = lines.find((line) => /error|fatal/i.test(line)) ?? lines[0];
    return { seconds, problem: first ?? error?.message ?? `${plan.compiler.path} ended with ${status}` };
  }
  const build: OperatorsBuild = {
    ep: plan.ep,
    sources: plan.sources,
    architectures: plan.architectures,
    compiler: plan.compiler.version,
    seconds,
    built_at: new Date().toISOString(),
  };
  writeFileSync(join(work, BUILD_FILE), `${JSON.stringify(build, null, 2)}\n`);
  return { seconds, problem: null };
}

/** Puts a finished folder in place, in one step. */
function place(work: string, home: string): void {
  try {
    renameSync(work, home);
  } catch (error) {
    // Another process was faster; its library is as good.
    if (!existsSync(home)) throw error;
  }
}

/** Makes room for a library anew; sessions that have the former one open keep it. */
function moveAway(home: string, former: string): void {
  if (!existsSync(home)) return;
  renameSync(home, former);
  rmSync(former, { recursive: true, force: true });
}

/** Compute capabilities of the GPUs found, each once; none where there is no driver. */
function gpuCapabilities(): string[] {
  try {
    const found = openDriver().devices.map(({ computeCapability }) => capabilityOf(computeCapability));
    return [...new Set(found)].sort();
  } catch {
    return [];
  }
}
