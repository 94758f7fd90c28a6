/** Finds Jupyter for the tests that ask the real one. Only its runner is needed (pip install nbclient). */
import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { need } from "./need.js";

const ROOT = resolve(import.meta.dirname, "../..");

const candidates = (): string[] =>
  process.env.JUPYTER
    ? [process.env.JUPYTER]
    : [join(ROOT, ".venv/bin"), join(ROOT, "out/venv/bin"), ...(process.env.PATH ?? "").split(delimiter)].map(
        (folder) => join(folder, "jupyter"),
      );

/** The `jupyter` command that has `jupyter execute`, or null. */
export const JUPYTER: string | null =
  candidates().find((path) => existsSync(path) && existsSync(join(dirname(path), "jupyter-execute"))) ?? null;

/** Option of the tests that need Jupyter. */
export const needsJupyter = need(
  "Jupyter",
  JUPYTER !== null,
  "python3 -m venv out/venv && out/venv/bin/pip install nbclient, or set JUPYTER to the command",
);

/** The Python that Jupyter runs in: the interpreter its script names. */
export function jupyterPython(): string {
  const named = /^#!(\S*python\S*)/.exec(readFileSync(JUPYTER!, "utf8"))?.[1];
  return named ?? join(dirname(JUPYTER!), "python3");
}

export interface Finished {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command to its end, whatever its exit code. */
export async function finished(
  command: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<Finished> {
  try {
    const options = { env: { ...process.env, ...env }, maxBuffer: 64 * 2 ** 20 };
    const { stdout, stderr } = await promisify(execFile)(command, args, options);
    return { code: 0, stdout, stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: unknown; stdout: string; stderr: string };
    if (typeof code !== "number") throw error;
    return { code, stdout, stderr };
  }
}
