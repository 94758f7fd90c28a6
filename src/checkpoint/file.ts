import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { UserError } from "../errors.js";
import { headerBytes, LENGTH_BYTES, parseHeader, type Entry } from "./header.js";

/** A safetensors file whose header was read. */
export interface SafetensorsFile {
  readonly path: string;
  readonly bytes: number;
  readonly entries: readonly Entry[];
  /** Of its length, its header and the first bytes of every tensor: two fine-tunings of one model have one header. */
  readonly sha256: Buffer;
}

/** First bytes of a tensor that stand for it. */
const SAMPLE_BYTES = 64;

/** Reads the header of a safetensors file; of the tensors, a few bytes each. */
export function readSafetensorsFile(path: string): SafetensorsFile {
  return withFile(path, (fd) => {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new UserError(`${path} is not a file`);
    const { size } = stat;
    const start = readAt(fd, 0, Math.min(size, LENGTH_BYTES), path);
    const header = readAt(fd, LENGTH_BYTES, headerBytes(start, size, path), path);
    const entries = parseHeader(header, size, path);
    const hash = createHash("sha256").update(`${size}:`).update(header);
    for (const { begin, end } of entries)
      hash.update(readAt(fd, begin, Math.min(end - begin, SAMPLE_BYTES), path));
    return { path, bytes: size, entries, sha256: hash.digest() };
  });
}

/** Opens a file for `use` only: nothing is left open between two tensors, so nothing has to be released. */
export function withFile<T>(path: string, use: (fd: number) => T): T {
  const fd = openSync(path, "r");
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

function readAt(fd: number, position: number, length: number, path: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  readInto(fd, bytes, position, path);
  return bytes;
}

/** Fills `bytes` from `position` on. A file that has become shorter is a UserError. */
export function readInto(fd: number, bytes: Uint8Array, position: number, path: string): void {
  let done = 0;
  while (done < bytes.byteLength) {
    const read = readSync(
      fd,
      bytes,
      done,
      Math.min(bytes.byteLength - done, MOST_READ_BYTES),
      position + done,
    );
    if (read === 0)
      throw new UserError(`${path} ends at byte ${position + done}: it has changed while it was read`);
    done += read;
  }
}

/** A system call reads less than 2 GiB at once. */
const MOST_READ_BYTES = 2 ** 30;
