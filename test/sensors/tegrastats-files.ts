import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const FOLDER = join(import.meta.dirname, "../fixtures/tegrastats");

/** Real lines by `file:line`, lines from 1; the README of the folder says where they are from. */
export const LINES: ReadonlyMap<string, string> = new Map(
  readdirSync(FOLDER)
    .filter((file) => file.endsWith(".log"))
    .flatMap((file) =>
      readFileSync(join(FOLDER, file), "utf8")
        .trimEnd()
        .split("\n")
        .map((line, index): [string, string] => [`${file}:${index + 1}`, line]),
    ),
);
