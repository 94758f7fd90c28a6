import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** One thing that was looked for. */
export interface Finding {
  readonly name: string;
  readonly found: boolean;
  /** Nothing can be measured without it. */
  readonly required: boolean;
  /** Version and place, or what is missing. */
  readonly detail: string;
  /** How to get it, where it is missing. */
  readonly hint: string | null;
}

/** @param detail what was found, or null */
export function finding(
  name: string,
  detail: string | null,
  missing: string,
  hint: string,
  required = false,
): Finding {
  return detail === null
    ? { name, found: false, required, detail: missing, hint }
    : { name, found: true, required, detail, hint: null };
}

export function onPath(program: string): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? null;
}

/** What a program prints, or null when it cannot be run. */
export function output(program: string, args: string[]): string | null {
  try {
    return execFileSync(program, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 10_000,
    });
  } catch {
    return null;
  }
}

/** What `work` gives, or the sentence of the error that it throws. */
export function outcome<T>(work: () => T): { value: T } | { problem: string } {
  try {
    return { value: work() };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}
