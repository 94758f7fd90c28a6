import { UserError } from "../errors.js";
import { parseStrictJson } from "./json.js";

/** Element types of safetensors by the bits of one element. Source: its documentation and safetensors/src/tensor.rs. */
const BITS = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  U16: 16,
  I16: 16,
  F16: 16,
  BF16: 16,
  U32: 32,
  I32: 32,
  F32: 32,
  U64: 64,
  I64: 64,
  F64: 64,
  C64: 64,
} as const;

export type StoredType = keyof typeof BITS;

/** A tensor in a file: row-major, little-endian, `begin` up to `end` in bytes from the start of the file. */
export interface Entry {
  readonly name: string;
  readonly dtype: StoredType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** Bytes of the header's length, which the file begins with: an unsigned integer, little-endian. */
export const LENGTH_BYTES = 8;

/** As the reference implementation allows at most; its tensors' names would fill a book. */
const MOST_HEADER_BYTES = 100_000_000;

/**
 * Length of the JSON header in bytes.
 *
 * @param start the file's first bytes
 * @param fileBytes its length
 * @param what names the file in errors
 */
export function headerBytes(start: Uint8Array, fileBytes: number, what: string): number {
  if (fileBytes < LENGTH_BYTES || start.byteLength < LENGTH_BYTES)
    throw new UserError(
      `${what} has ${fileBytes} bytes; a safetensors file begins with the ${LENGTH_BYTES} of its header's length`,
    );
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  const follow = fileBytes - LENGTH_BYTES;
  if (length > BigInt(follow))
    throw new UserError(`${what} states a header of ${length.toString()} bytes, but ${follow} follow`);
  if (length > BigInt(MOST_HEADER_BYTES))
    throw new UserError(
      `${what} states a header of ${length.toString()} bytes; more than ${MOST_HEADER_BYTES} are not read`,
    );
  return Number(length);
}

/**
 * The tensors that a header names, in the order of their bytes. They must cover all that follows the header without hole
 * or overlap, as the format asks; shapes must be as large as their bytes.
 *
 * @param header the JSON, `headerBytes` long
 */
export function parseHeader(header: Uint8Array, fileBytes: number, what: string): Entry[] {
  const dataStart = LENGTH_BYTES + header.byteLength;
  const json = parseStrictJson(textOf(header, what), `the header of ${what}`);
  if (!isObject(json)) throw new UserError(`the header of ${what} is not a JSON object`);
  const { __metadata__: metadata, ...tensors } = json;
  if (metadata !== undefined && !(isObject(metadata) && Object.values(metadata).every(isString)))
    throw new UserError(`the header of ${what} has __metadata__ that does not map strings to strings`);
  const entries = Object.entries(tensors)
    .map(([name, value]) => parseEntry(name, value, dataStart, what))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);
  refuseGaps(entries, dataStart, fileBytes, what);
  return entries;
}

function textOf(header: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(header);
  } catch {
    throw new UserError(`the header of ${what} is not UTF-8`);
  }
}

const isString = (value: unknown): value is string => typeof value === "string";
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
const isType = (value: unknown): value is StoredType => isString(value) && Object.hasOwn(BITS, value);

function parseEntry(name: string, value: unknown, dataStart: number, what: string): Entry {
  const wrong = (problem: string): UserError =>
    new UserError(`${what}, tensor ${JSON.stringify(name.slice(0, 120))}: ${problem}`);
  if (!isObject(value) || Object.keys(value).sort().join() !== "data_offsets,dtype,shape")
    throw wrong("the header must give dtype, shape and data_offsets, and nothing else");
  const { dtype, shape, data_offsets: offsets } = value;
  if (!isType(dtype))
    throw wrong(`dtype is ${brief(dtype)}; it must be one of ${Object.keys(BITS).join(", ")}`);
  if (!isSizes(shape)) throw wrong(`shape is ${brief(shape)}; it must list whole numbers from 0`);
  if (!isSizes(offsets) || offsets.length !== 2)
    throw wrong(`data_offsets is ${brief(offsets)}; it must be [begin, end] in bytes`);
  const [begin, end] = offsets as [number, number];
  const bytes = shape.reduce(times, BITS[dtype] / 8);
  if (bytes === Infinity) throw wrong(`shape is ${brief(shape)}; no file is as large`);
  if (end - begin !== bytes)
    throw wrong(`data_offsets span ${end - begin} bytes, but ${dtype} of shape ${brief(shape)} has ${bytes}`);
  return { name, dtype, shape, begin: dataStart + begin, end: dataStart + end };
}

/** Infinity once the product is no whole number that a double can hold, even if a 0 follows. */
const times = (product: number, size: number): number =>
  product * size <= Number.MAX_SAFE_INTEGER ? product * size : Infinity;

/** A value in an error: what would fill the screen is cut. */
const brief = (value: unknown): string =>
  (value === undefined ? "missing" : JSON.stringify(value)).slice(0, 80);

function refuseGaps(entries: readonly Entry[], dataStart: number, fileBytes: number, what: string): void {
  let covered = dataStart;
  for (const { name, begin, end } of entries) {
    if (begin !== covered)
      throw new UserError(
        `${what}, tensor ${JSON.stringify(name.slice(0, 120))}: begins at byte ${begin - dataStart} of the data, but the one before ends at ${covered - dataStart}`,
      );
    covered = end;
  }
  if (covered !== fileBytes)
    throw new UserError(
      `${what} has tensors of ${covered - dataStart} bytes together, but ${fileBytes - dataStart} follow the header`,
    );
}
