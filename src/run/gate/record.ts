import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { WarningOptions } from "../../record/index.js";
import { gateKey, type GateFacts } from "./key.js";
import { isReference, type Setting } from "./setting.js";

/** What a row says of the gate. */
export type Gate = "passed" | "failed" | "not-run";

/** What is kept of a setting: whether it passed, and for the reader everything it was decided on. */
export interface GateRecord {
  readonly key: string;
  readonly status: "passed" | "failed";
  readonly [about: string]: unknown;
}

export interface GateStoreOptions extends WarningOptions {
  /** Default: `gateFolder()`. */
  folder?: string;
}

/** Where verdicts are kept; relative paths in XDG_CACHE_HOME are to be ignored (XDG Base Directory Specification). */
export function gateFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const cache = environment.XDG_CACHE_HOME ?? "";
  return join(isAbsolute(cache) ? cache : join(homedir(), ".cache"), "ssm-scope", "gate");
}

/**
 * Whether this model and setting has passed the gate on this device with this software; null where it is the reference
 * itself. A record that cannot be read counts as none, with a warning.
 */
export function gateOf(setting: Setting, facts: GateFacts, options: GateStoreOptions = {}): Gate | null {
  if (isReference(setting)) return null;
  return readRecord(gateKey(setting, facts), options)?.status ?? "not-run";
}

export function readRecord(
  key: string,
  { folder = gateFolder(), onWarning = console.warn }: GateStoreOptions = {},
): GateRecord | null {
  const file = fileOf(folder, key);
  try {
    const record: unknown = JSON.parse(readFileSync(file, "utf8"));
    if (isRecord(record, key)) return record;
    onWarning(
      `${file} is not a verdict of the numerical gate; it is ignored, \`ssm-scope verify\` replaces it`,
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT")
      onWarning(`${file} cannot be read (${(error as Error).message}); it is ignored`);
  }
  return null;
}

function isRecord(value: unknown, key: string): value is GateRecord {
  const record = value as Partial<GateRecord> | null;
  return (
    typeof record === "object" &&
    record?.key === key &&
    (record.status === "passed" || record.status === "failed")
  );
}

/** Makes the folder before anything is measured: where it cannot be written, hours of work would find no place. */
export const prepareFolder = (folder: string): void => {
  mkdirSync(folder, { recursive: true });
};

/** Writes a verdict; a reader sees the old file or the new one, never a part. */
export function writeRecord(record: GateRecord, folder: string = gateFolder()): void {
  prepareFolder(folder);
  const draft = join(folder, `.${record.key}.${process.pid}`);
  writeFileSync(draft, `${JSON.stringify(record, null, 2)}\n`, { flush: true });
  renameSync(draft, fileOf(folder, record.key));
}

/** Forgets a verdict before it is measured anew: should the process die in native code, none is left standing. */
export function forgetRecord(key: string, folder: string = gateFolder()): void {
  rmSync(fileOf(folder, key), { force: true });
}

const fileOf = (folder: string, key: string): string => join(folder, `${key}.json`);
