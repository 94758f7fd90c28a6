import { execFileSync, type ExecFileSyncOptionsWithStringEncoding } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import os from "node:os";
import { fileURLToPath } from "node:url";
import { PACKAGE_ROOT } from "./root.js";
import type { Row } from "./schema.js";

/** The columns of a row that say on which machine and by which software it was taken. */
export type MachineFacts = Required<
  Pick<
    Row,
    | "host"
    | "cpu_model"
    | "cpu_count"
    | "memory_bytes"
    | "os"
    | "node_version"
    | "ssm_scope_version"
    | "git_commit"
  >
>;

let known: MachineFacts | undefined;

/** Facts of this process, read once: `{ ...machineFacts(), ...sample }`. What cannot be found out is null. */
export function machineFacts(): MachineFacts {
  known ??= {
    host: os.hostname(),
    cpu_model: cpuModel(),
    cpu_count: os.availableParallelism(),
    memory_bytes: os.totalmem(),
    os: `${os.type()} ${os.release()}`,
    node_version: process.versions.node,
    ssm_scope_version: packageVersion(),
    git_commit: gitCommit(fileURLToPath(PACKAGE_ROOT)),
  };
  return known;
}

/** Linux on Arm (Jetson) names its CPUs "unknown" to Node. */
function cpuModel(): string | null {
  const model = os.cpus()[0]?.model.trim();
  return model === undefined || model === "" || model === "unknown" ? null : model;
}

function packageVersion(): string | null {
  const { version } = JSON.parse(readFileSync(new URL("package.json", PACKAGE_ROOT), "utf8")) as {
    version?: string;
  };
  return version ?? null;
}

/**
 * Commit of a checkout whose top is `folder`, with `+` when tracked files had changed (rows being written are not
 * tracked yet, and change no result). Null when the folder is no checkout: installed as a package, it may
 * lie inside somebody else's.
 */
export function gitCommit(folder: string): string | null {
  try {
    const [top, commit] = git(folder, "rev-parse", "--show-toplevel", "HEAD").split("\n");
    if (top === undefined || commit === undefined || realpathSync(top) !== realpathSync(folder)) return null;
    return git(folder, "status", "--porcelain", "--untracked-files=no") === "" ? commit : `${commit}+`;
  } catch {
    return null;
  }
}

function git(folder: string, ...args: string[]): string {
  const options: ExecFileSyncOptionsWithStringEncoding = {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
    timeout: 5000,
  };
  return execFileSync("git", ["-C", folder, ...args], options).trim();
}
