import { existsSync } from "node:fs";
import { UserError } from "../errors.js";
import { koffi } from "./koffi.js";

/** One place where a shared library may be: a path, or a bare name for the system's loader to find. */
export interface Candidate {
  readonly path: string;
  /** Who named it, for the message when it fails: "SSM_SCOPE_ORT", "the `library` option", "the system's loader". */
  readonly source: string;
}

/** A shared library in this process. It is never unloaded: functions taken from it stay valid. */
export interface Library {
  readonly path: string;
  /** Address of an exported symbol, or null when the library does not export it. */
  symbol(name: string): bigint | null;
}

/**
 * Loads the first candidate that loads. When none does, the error names every one with its reason, and says how to
 * get the library.
 *
 * @param what the library as a person calls it: "ONNX Runtime", "NVML"
 * @param howToGet a sentence with the way out
 */
export function openLibrary(what: string, candidates: readonly Candidate[], howToGet: string): Library {
  const tried: string[] = [];
  for (const { path, source } of candidates) {
    const outcome = load(path);
    if (typeof outcome !== "string") return outcome;
    tried.push(`${path} (from ${source}): ${outcome}`);
  }
  throw new UserError(`Could not load ${what}. Tried ${tried.join("; ")}. ${howToGet}`);
}

/**
 * koffi unloads a library when its handle is collected, and does not count functions taken by address: calling one
 * would then end the process. So every handle is kept.
 */
const handles: unknown[] = [];

/** The library, or why it cannot be had. */
function load(path: string): Library | string {
  if (/[\\/]/.test(path) && !existsSync(path)) return "no such file";
  try {
    const handle = koffi().load(path);
    handles.push(handle);
    return { path, symbol: (name) => symbolOf(handle, name) };
  } catch (error) {
    return reasonOf(error, path);
  }
}

function symbolOf(handle: { symbol(name: string): unknown }, name: string): bigint | null {
  try {
    return handle.symbol(name) as bigint;
  } catch {
    return null;
  }
}

/** The loader's own words, without the path that the message around them already gives. */
function reasonOf(error: unknown, path: string): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^Failed to load shared library: /, "").replace(`${path}: `, "");
}
