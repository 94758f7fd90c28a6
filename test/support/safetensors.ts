import { readFileSync } from "node:fs";
import { UserError } from "../../src/errors.js";

/** A tensor by its element type; `data` is row-major and owns its memory. */
export type Tensor =
  | { dtype: "F32"; shape: number[]; data: Float32Array }
  | { dtype: "I64"; shape: number[]; data: BigInt64Array }
  | { dtype: "I32"; shape: number[]; data: Int32Array };

interface Entry {
  name: string;
  dtype: Tensor["dtype"];
  shape: number[];
  begin: number;
  end: number;
}

const BYTES_PER_ELEMENT = { F32: 4, I64: 8, I32: 4 } as const;
const LENGTH_BYTES = 8;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isSizes = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);

/**
 * Reads a safetensors file: 8 bytes header length (little-endian), a JSON header, the tensors' bytes.
 * The format asks that tensors cover the bytes after the header without hole or overlap; a file that breaks this,
 * or holds a type other than F32, I64, I32, is refused with a UserError.
 * Format: https://github.com/huggingface/safetensors#format
 */
export function readSafetensors(path: string): Map<string, Tensor> {
  return parseSafetensors(readFileSync(path), path);
}

/** As readSafetensors, on bytes; `source` names them in errors. */
export function parseSafetensors(bytes: Uint8Array, source: string): Map<string, Tensor> {
  const { header, dataStart } = splitHeader(bytes, source);
  const entries = Object.entries(header)
    .filter(([name]) => name !== "__metadata__")
    .map(([name, value]) => parseEntry(name, value, source));
  checkCoverage(entries, bytes.byteLength - dataStart, source);
  return new Map(entries.map((entry) => [entry.name, readTensor(entry, bytes.subarray(dataStart))]));
}

function splitHeader(
  bytes: Uint8Array,
  source: string,
): { header: Record<string, unknown>; dataStart: number } {
  if (bytes.byteLength < LENGTH_BYTES)
    throw new UserError(
      `${source} has ${bytes.byteLength} bytes; a safetensors file has at least ${LENGTH_BYTES}.`,
    );
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const available = bytes.byteLength - LENGTH_BYTES;
  if (length > BigInt(available))
    throw new UserError(`${source} states a header of ${length.toString()} bytes, but ${available} follow.`);
  const dataStart = LENGTH_BYTES + Number(length);
  const header = parseJson(bytes.subarray(LENGTH_BYTES, dataStart), source);
  if (!isRecord(header)) throw new UserError(`${source} has a header that is not a JSON object.`);
  const metadata = header["__metadata__"];
  if (
    metadata !== undefined &&
    !(isRecord(metadata) && Object.values(metadata).every((v) => typeof v === "string"))
  )
    throw new UserError(`${source} has __metadata__ that does not map strings to strings.`);
  return { header, dataStart };
}

function parseJson(bytes: Uint8Array, source: string): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw new UserError(`${source} has a header that is not JSON in UTF-8.`, { cause: error });
  }
}

function parseEntry(name: string, value: unknown, source: string): Entry {
  const at = `${source}, tensor "${name}":`;
  if (!isRecord(value) || Object.keys(value).sort().join() !== "data_offsets,dtype,shape")
    throw new UserError(`${at} the header must give dtype, shape and data_offsets, and nothing else.`);
  const { dtype, shape, data_offsets: offsets } = value;
  if (dtype !== "F32" && dtype !== "I64" && dtype !== "I32")
    throw new UserError(`${at} dtype is ${JSON.stringify(dtype)}; this reader knows F32, I64 and I32.`);
  if (!isSizes(shape))
    throw new UserError(`${at} shape is ${JSON.stringify(shape)}; it must list whole numbers from 0.`);
  if (!isSizes(offsets) || offsets.length !== 2)
    throw new UserError(
      `${at} data_offsets is ${JSON.stringify(offsets)}; it must be [begin, end] in bytes.`,
    );
  const [begin, end] = offsets as [number, number];
  const expected = shape.reduce((count, size) => count * size, BYTES_PER_ELEMENT[dtype]);
  if (end - begin !== expected)
    throw new UserError(
      `${at} data_offsets span ${end - begin} bytes; ${dtype} [${shape.join()}] has ${expected}.`,
    );
  return { name, dtype, shape, begin, end };
}

/** Tensors in order of their bytes must follow each other from 0 to the end of the file. */
function checkCoverage(entries: Entry[], dataBytes: number, source: string): void {
  let covered = 0;
  for (const { name, begin, end } of [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered)
      throw new UserError(
        `${source}, tensor "${name}": begins at byte ${begin}; the one before ends at ${covered}.`,
      );
    covered = end;
  }
  if (covered !== dataBytes)
    throw new UserError(
      `${source} has tensors of ${covered} bytes together, but ${dataBytes} follow the header.`,
    );
}

function readTensor({ dtype, shape, begin, end }: Entry, data: Uint8Array): Tensor {
  const copy = new Uint8Array(data.subarray(begin, end)).buffer; // aligned; a Buffer's own slice() would share memory
  switch (dtype) {
    case "F32":
      return { dtype, shape, data: new Float32Array(copy) };
    case "I64":
      return { dtype, shape, data: new BigInt64Array(copy) };
    case "I32":
      return { dtype, shape, data: new Int32Array(copy) };
  }
}
