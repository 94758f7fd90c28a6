import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { UserError } from "../errors.js";

/** The file of a campaign folder that says where and with what it was measured. */
export const ENVIRONMENT_FILE = "environment.json";

/** Raised when a field changes its meaning; a reader refuses a file that is newer than it. */
const ENVIRONMENT_VERSION = 1;

interface Field {
  readonly type: "string" | "number" | "boolean" | "string[]" | "versions";
  readonly about: string;
  /** Whether rows of one campaign may not have several of it: they would be compared as if nothing had changed. */
  readonly fixed?: true;
}

/** What is told of an environment. Every field is null where the machine did not answer. */
export const ENVIRONMENT_FIELDS = {
  host: { type: "string", about: "name of the machine", fixed: true },
  os: { type: "string", about: "operating system and release", fixed: true },
  container: {
    type: "string",
    about: "docker, podman, kubernetes, lxc, slurm, wsl...; none on the machine itself",
  },
  cpu_model: { type: "string", about: "as the operating system names it", fixed: true },
  cpu_count: { type: "number", about: "logical CPUs available to the process", fixed: true },
  cpu_quota: {
    type: "number",
    about: "CPUs' worth of time that the control group allows; null without a limit",
  },
  cpu_governor: { type: "string", about: "frequency governor of Linux", fixed: true },
  cpu_max_mhz: { type: "number", about: "highest clock that the governor may choose", fixed: true },
  memory_bytes: { type: "number", about: "memory of the machine", fixed: true },
  gpu: { type: "string", about: "as the driver names it", fixed: true },
  gpu_uuid: { type: "string", about: "which one", fixed: true },
  gpu_memory_bytes: { type: "number", about: "as CUDA tells it", fixed: true },
  gpu_driver: { type: "string", about: "version of NVIDIA's driver, e.g. 580.65.06", fixed: true },
  gpu_driver_cuda: { type: "string", about: "newest CUDA that the driver supports", fixed: true },
  cuda: { type: "string", about: "version of the CUDA runtime library in use", fixed: true },
  cudnn: { type: "string", about: "version of cuDNN in use", fixed: true },
  gpu_power_limit_w: { type: "number", about: "limit in force", fixed: true },
  gpu_max_clock_mhz: { type: "number", about: "highest clock of the processors", fixed: true },
  gpu_max_memory_clock_mhz: { type: "number", about: "highest clock of the memory", fixed: true },
  gpu_clock_mhz: { type: "number", about: "clock of the processors before the campaign" },
  gpu_memory_clock_mhz: { type: "number", about: "clock of the memory before the campaign" },
  gpu_persistence: { type: "boolean", about: "whether the driver stays loaded when nobody uses it" },
  gpu_mig: { type: "boolean", about: "whether the GPU is cut into instances", fixed: true },
  ort: { type: "string", about: "version of ONNX Runtime", fixed: true },
  ort_library: { type: "string", about: "the library in use" },
  ort_providers: { type: "string[]", about: "execution providers that it knows" },
  ep: { type: "string", about: "the execution providers used" },
  ep_build: { type: "string", about: "version that the provider's library states", fixed: true },
  node: { type: "string", about: "version of Node.js" },
  ssm_scope: { type: "string", about: "version of this package", fixed: true },
  git_commit: { type: "string", about: "commit of the checkout; null where it is no checkout" },
  git_dirty: { type: "boolean", about: "whether tracked files had changed" },
  packages: { type: "versions", about: "versions of the packages that it depends on, as installed" },
} as const satisfies Record<string, Field>;

interface ValueOf {
  string: string;
  number: number;
  boolean: boolean;
  "string[]": readonly string[];
  versions: Readonly<Record<string, string>>;
}

/** Name of a field of an environment. */
export type EnvironmentField = keyof typeof ENVIRONMENT_FIELDS;

/** Where and with what a campaign was measured. */
export type Environment = {
  readonly [K in EnvironmentField]: ValueOf[(typeof ENVIRONMENT_FIELDS)[K]["type"]] | null;
};

const FIELDS = Object.keys(ENVIRONMENT_FIELDS) as EnvironmentField[];

/** The text of environment.json. */
export const formatEnvironment = (environment: Environment, writtenAt: string): string =>
  `${JSON.stringify({ version: ENVIRONMENT_VERSION, written_at: writtenAt, ...environment }, null, 2)}\n`;

/**
 * An environment from its text; fields that it lacks are null. UserError for text that is no JSON, a newer version, or a field
 * of the wrong type.
 *
 * @param name of the file, for messages
 */
export function parseEnvironment(text: string, name = ENVIRONMENT_FILE): Environment {
  const found = objectOf(text, name);
  if (typeof found["version"] !== "number" || found["version"] > ENVIRONMENT_VERSION)
    throw new UserError(
      `${name} has version ${inspect(found["version"])}: this ssm-scope reads versions up to ${ENVIRONMENT_VERSION}.`,
    );
  for (const field of FIELDS) {
    const { type } = ENVIRONMENT_FIELDS[field];
    const value = found[field] ?? null;
    if (value !== null && !isOf(type, value))
      throw new UserError(`${name}: ${field} is ${inspect(value)}, and must be ${WORDS[type]} or null.`);
  }
  return Object.fromEntries(FIELDS.map((field) => [field, found[field] ?? null])) as Environment;
}

function objectOf(text: string, name: string): Record<string, unknown> {
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${name} is not JSON: ${(error as Error).message}.`);
  }
  if (typeof found === "object" && found !== null && !Array.isArray(found))
    return found as Record<string, unknown>;
  throw new UserError(`${name} holds ${inspect(found)}: it must be an object.`);
}

const WORDS: Record<Field["type"], string> = {
  string: "a string",
  number: "a number",
  boolean: "true or false",
  "string[]": "an array of strings",
  versions: "an object of strings",
};

function isOf(type: Field["type"], value: unknown): boolean {
  const areStrings = (values: readonly unknown[]): boolean => values.every((one) => typeof one === "string");
  if (type === "string[]") return Array.isArray(value) && areStrings(value as unknown[]);
  if (type === "versions")
    return typeof value === "object" && !Array.isArray(value) && areStrings(Object.values(value as object));
  return typeof value === type;
}

/** The environment of a campaign folder; null for one that was measured before there were any. */
export function readEnvironment(folder: string): Environment | null {
  const file = join(folder, ENVIRONMENT_FILE);
  if (!statSync(file, { throwIfNoEntry: false })) return null;
  return parseEnvironment(readFileSync(file, "utf8"), file);
}

/** Writes it; a reader sees the old file or the new one, never a part. */
export function writeEnvironment(folder: string, environment: Environment): void {
  const file = join(folder, ENVIRONMENT_FILE);
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, formatEnvironment(environment, new Date().toISOString()));
  renameSync(draft, file);
}

/** A field in which two environments differ; of packages one each, as `packages.NAME`. */
export interface EnvironmentDifference {
  readonly field: string;
  readonly a: string | number | boolean | null;
  readonly b: string | number | boolean | null;
  /** Whether rows that differ in it cannot be one campaign's. */
  readonly fixed: boolean;
}

/** In which fields two environments differ, in the order of ENVIRONMENT_FIELDS. */
export function environmentDifferences(a: Environment, b: Environment): EnvironmentDifference[] {
  return FIELDS.flatMap((field) => {
    const fixed = "fixed" in ENVIRONMENT_FIELDS[field];
    const [ofA, ofB] = [leaves(field, a[field]), leaves(field, b[field])];
    const names = [...new Set([...ofA.keys(), ...ofB.keys()])];
    return names.flatMap((name) => {
      const [left, right] = [ofA.get(name) ?? null, ofB.get(name) ?? null];
      return left === right ? [] : [{ field: name, a: left, b: right, fixed }];
    });
  });
}

function leaves(
  field: string,
  value: Environment[EnvironmentField],
): Map<string, EnvironmentDifference["a"]> {
  if (typeof value !== "object" || value === null) return new Map([[field, value]]);
  if (Array.isArray(value)) return new Map([[field, value.join(", ")]]);
  return new Map(Object.entries(value).map(([name, version]) => [`${field}.${name}`, version]));
}
