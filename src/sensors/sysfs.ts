import { readdirSync, readFileSync } from "node:fs";

/** The text of a small file of the kernel's; null where it is missing, unreadable, or its device is gone. */
export function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return null;
  }
}

/** Null also for whatever is no number. */
export function readNumber(path: string): number | null {
  const text = readText(path);
  return text !== null && /^-?\d{1,15}$/.test(text) ? Number(text) : null;
}

/** Names in a folder that begin so, in order; none where there is no such folder. */
export function namesIn(folder: string, prefix: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.startsWith(prefix))
      .sort();
  } catch {
    return [];
  }
}
