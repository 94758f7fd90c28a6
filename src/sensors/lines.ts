import { StringDecoder } from "node:string_decoder";

/** A line longer than this is no reading: it is dropped, so that a stream without newlines cannot fill the memory. */
const LONGEST = 65_536;

/**
 * Cuts a stream of text into lines, whatever its chunks are. A last line without newline was cut by the end of what
 * wrote it, so it is not a line: `rest` tells what is left of it.
 */
export class LineCutter {
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";
  #tooLong = false;

  push(chunk: string | Uint8Array): string[] {
    const text = typeof chunk === "string" ? chunk : this.#decoder.write(chunk);
    const lines = text.split("\n");
    lines[0] = this.#rest + lines[0]!;
    this.#rest = lines.pop()!;
    if (this.#tooLong && lines.length > 0) {
      lines.shift();
      this.#tooLong = false;
    }
    if (this.#rest.length > LONGEST) this.#tooLong = true;
    if (this.#tooLong) this.#rest = "";
    return lines.filter((line) => line.length <= LONGEST).map((line) => line.replace(/\r$/, ""));
  }

  get rest(): string {
    return this.#rest;
  }
}

/** For a sentence: the text without control characters, not longer than a line of a terminal. */
export function excerpt(text: string): string {
  const clean = text.replaceAll(/\p{Cc}+/gu, " ").trim();
  return JSON.stringify(clean.length > 60 ? `${clean.slice(0, 60)}...` : clean);
}
