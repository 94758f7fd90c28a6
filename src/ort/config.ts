import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { UserError } from "../errors.js";

/** What a person may set once for all runs. */
export interface Config {
  /** Absolute path of the ONNX Runtime library to use. */
  readonly ort?: string;
}

/** `ssm-scope/config.json` in XDG_CONFIG_HOME, else in ~/.config (XDG Base Directory Specification). */
export function configFile(environment: NodeJS.ProcessEnv, home: string = homedir()): string {
  const named = environment.XDG_CONFIG_HOME;
  // The specification has relative paths ignored.
  return join(named && isAbsolute(named) ? named : join(home, ".config"), "ssm-scope", "config.json");
}

/** The settings in a file; none where there is no file. */
export function readConfig(file: string): Config {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return {};
    throw new UserError(`${file} cannot be read: ${(error as Error).message}.`);
  }
  return parseConfig(text, file);
}

export function parseConfig(text: string, file: string): Config {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new UserError(`${file} is not JSON: ${(error as Error).message}.`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UserError(`${file} must hold an object, such as {"ort": "/path/to/libonnxruntime.so"}.`);
  const { ort } = value as { ort?: unknown };
  if (ort === undefined) return {};
  if (typeof ort !== "string" || !isAbsolute(ort))
    throw new UserError(
      `"ort" in ${file} is ${JSON.stringify(ort)}; it must be the absolute path of an ONNX Runtime library.`,
    );
  return { ort };
}
