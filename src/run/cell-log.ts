import type { ChildProcess } from "node:child_process";
import { closeSync, fstatSync, mkdirSync, openSync, readSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

/** What a cell's process prints, kept for the row of a crash. Disposal removes a file that stayed empty. */
export interface CellLog extends Disposable {
  /** Where the process writes, as `spawn` takes it: a file that holds what was written even when we die too, or a pipe. */
  readonly stdio: number | "pipe";
  /** Reads the process's pipes, if it has some. */
  follow(child: ChildProcess): void;
  /** The newest text of this process, at most 64 KiB. */
  tail(): string;
}

const TAIL_BYTES = 64 * 1024;

/** The log of a cell in `folder`, appended to what an earlier attempt left; in memory where there is no folder. */
export const openCellLog = (folder: string | null, key: string): CellLog =>
  folder === null ? memoryLog() : fileLog(folder, key);

function fileLog(folder: string, key: string): CellLog {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${key}.log`);
  const file = openSync(path, "a+");
  const start = fstatSync(file).size;
  return {
    stdio: file,
    follow: () => undefined,
    tail: () => {
      const end = fstatSync(file).size;
      const from = Math.max(start, end - TAIL_BYTES);
      const bytes = Buffer.alloc(end - from);
      return bytes.toString("utf8", 0, readSync(file, bytes, 0, bytes.length, from));
    },
    [Symbol.dispose]: () => {
      const empty = fstatSync(file).size === 0;
      closeSync(file);
      if (empty) removeEmpty(folder, path);
    },
  };
}

function removeEmpty(folder: string, path: string): void {
  rmSync(path, { force: true });
  try {
    rmdirSync(folder);
  } catch {
    // Other logs are in it.
  }
}

function memoryLog(): CellLog {
  let newest = Buffer.alloc(0);
  const keep = (chunk: Buffer): void => {
    newest = Buffer.concat([newest, chunk]).subarray(-TAIL_BYTES);
  };
  return {
    stdio: "pipe",
    follow: ({ stdout, stderr }) => {
      stdout?.on("data", keep);
      stderr?.on("data", keep);
    },
    tail: () => newest.toString("utf8"),
    [Symbol.dispose]: () => undefined,
  };
}

const LINES = 3;
const CHARACTERS = 500;

/** Frames of a stack and the line that ends an uncaught error of Node.js: they fill a tail and say nothing in one line. */
const FRAME = /^at .*[\d)>]$|^Node\.js v[\d.]+$/;

/** The last lines of a log that say something, as one line of bounded length; "" for a log without any. */
export function lastLines(text: string): string {
  const lines = stripVTControlCharacters(text)
    .split(/[\r\n]+/)
    .map((line) => line.replace(/\p{Cc}+/gu, " ").trim())
    .filter((line) => line !== "" && !FRAME.test(line));
  const joined = lines.slice(-LINES).join(" | ");
  return joined.length > CHARACTERS ? `…${joined.slice(1 - CHARACTERS)}` : joined;
}
