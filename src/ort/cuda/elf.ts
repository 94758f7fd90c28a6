import { closeSync, openSync, readSync } from "node:fs";

/**
 * What the loader reads of a 64-bit little-endian ELF file, and where its constants are.
 * Format: System V ABI, chapters 4 (object files) and 5 (dynamic linking); names are those of <elf.h>.
 */
export interface Elf {
  /** e_machine: 62 is x86-64, 183 is AArch64. */
  readonly machine: number;
  /** The name by which others need it, or null. */
  readonly soname: string | null;
  /** Names of the libraries it needs (DT_NEEDED), in order. */
  readonly needed: readonly string[];
  /** Folders of its own to look in (DT_RUNPATH, else DT_RPATH), as written: "$ORIGIN" is its own folder. */
  readonly runpath: readonly string[];
}

/** e_machine by process.arch. */
export const MACHINES: Partial<Record<string, number>> = { x64: 62, arm64: 183 };

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT = { NEEDED: 1, STRTAB: 5, STRSZ: 10, SONAME: 14, RPATH: 15, RUNPATH: 29 } as const;

/** Null for what is no such file: a linker script, a 32-bit library, a truncated download. */
export function readElf(path: string): Elf | null {
  return withFile(path, (read) => {
    const header = headerOf(read);
    if (header === null) return null;
    const programs = tableOf(read, header, 32, 54, 56);
    const dynamic = programs.find((entry) => entry.readUInt32LE(0) === PT_DYNAMIC);
    if (dynamic === undefined)
      return { machine: header.readUInt16LE(18), soname: null, needed: [], runpath: [] };

    const entries = pairsOf(read(uint64(dynamic, 8), uint64(dynamic, 32)));
    const values = (tag: number): number[] =>
      entries.filter((entry) => entry.tag === tag).map(({ value }) => value);
    const address = values(DT.STRTAB)[0] ?? 0;
    const segment = programs.find(
      (entry) =>
        entry.readUInt32LE(0) === PT_LOAD &&
        address >= uint64(entry, 16) &&
        address < uint64(entry, 16) + uint64(entry, 32),
    );
    if (segment === undefined) return null;
    const strings = read(address - uint64(segment, 16) + uint64(segment, 8), values(DT.STRSZ)[0] ?? 0);
    const names = (tag: number): string[] => values(tag).map((offset) => stringAt(strings, offset));
    const runpath = names(DT.RUNPATH).concat(names(DT.RPATH))[0] ?? "";
    return {
      machine: header.readUInt16LE(18),
      soname: names(DT.SONAME)[0] ?? null,
      needed: names(DT.NEEDED),
      runpath: runpath.split(":").filter(Boolean),
    };
  });
}

/** The bytes of a section such as .rodata (the constants), or null where the file has none of that name. */
export function readSection(path: string, name: string): Buffer | null {
  return withFile(path, (read) => {
    const header = headerOf(read);
    if (header === null) return null;
    const sections = tableOf(read, header, 40, 58, 60);
    const names = sections[header.readUInt16LE(62)];
    if (names === undefined) return null;
    const strings = read(uint64(names, 24), uint64(names, 32));
    const found = sections.find((section) => stringAt(strings, section.readUInt32LE(0)) === name);
    return found === undefined ? null : read(uint64(found, 24), uint64(found, 32));
  });
}

/** Bytes of the file; throws RangeError where it ends before them. */
type Read = (offset: number, length: number) => Buffer;

/** What `use` makes of the file, or null where it cannot be read or its numbers lead nowhere. */
function withFile<T>(path: string, use: (read: Read) => T | null): T | null {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    return null;
  }
  try {
    return use((offset, length) => {
      const bytes = Buffer.alloc(length);
      if (readSync(file, bytes, 0, length, offset) < length)
        throw new RangeError(`${path} ends before ${offset + length}`);
      return bytes;
    });
  } catch {
    return null;
  } finally {
    closeSync(file);
  }
}

/** The ELF header, or null for another kind of file. */
function headerOf(read: Read): Buffer | null {
  const header = read(0, 64);
  const is64BitLittleEndian = header[4] === 2 && header[5] === 1;
  return header.subarray(0, 4).toString("latin1") === "\x7fELF" && is64BitLittleEndian ? header : null;
}

/** The entries of a table of which the header gives, at three places, the offset, the entry's size and the count. */
function tableOf(read: Read, header: Buffer, offsetAt: number, sizeAt: number, countAt: number): Buffer[] {
  const size = header.readUInt16LE(sizeAt);
  const count = header.readUInt16LE(countAt);
  const table = read(uint64(header, offsetAt), size * count);
  return Array.from({ length: count }, (_, i) => table.subarray(i * size, (i + 1) * size));
}

/** The dynamic section: pairs of tag and value up to a tag of 0. */
function pairsOf(bytes: Buffer): { tag: number; value: number }[] {
  const pairs = Array.from({ length: Math.floor(bytes.length / 16) }, (_, i) => ({
    tag: uint64(bytes, i * 16),
    value: uint64(bytes, i * 16 + 8),
  }));
  const end = pairs.findIndex(({ tag }) => tag === 0);
  return end < 0 ? pairs : pairs.slice(0, end);
}

const uint64 = (bytes: Buffer, offset: number): number => Number(bytes.readBigUInt64LE(offset));

/** A name in a string table: up to the next zero. */
function stringAt(strings: Buffer, offset: number): string {
  const end = strings.indexOf(0, offset);
  return strings.toString("latin1", offset, end < 0 ? strings.length : end);
}
