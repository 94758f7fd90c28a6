import { readFileSync, writeFileSync } from "node:fs";
import { readSafetensorsFile } from "../../src/checkpoint/index.js";

/** A tensor by its element type; `data` is row-major and owns its memory. */
export type Tensor =
  | { dtype: "F32"; shape: number[]; data: Float32Array }
  | { dtype: "I64"; shape: number[]; data: BigInt64Array }
  | { dtype: "I32"; shape: number[]; data: Int32Array };

const ARRAYS = { F32: Float32Array, I64: BigInt64Array, I32: Int32Array } as const;

/** All tensors of a small file, of the types above. */
export function readSafetensors(path: string): Map<string, Tensor> {
  const bytes = readFileSync(path);
  return new Map(
    readSafetensorsFile(path).entries.map(({ name, dtype, shape, begin, end }) => {
      if (!(dtype in ARRAYS)) throw new Error(`${path} holds ${name} as ${dtype}`);
      const copy = new Uint8Array(bytes.subarray(begin, end)).buffer; // aligned
      const data = new ARRAYS[dtype as keyof typeof ARRAYS](copy);
      return [name, { dtype, shape: [...shape], data } as Tensor];
    }),
  );
}

/** A tensor to be written: its bytes as they are stored. */
export interface Written {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** Bytes of a file: a header, as JSON or as text, padded with blanks as the reference implementation does, and the data. */
export function safetensorsBytes(header: unknown, data: Uint8Array = new Uint8Array(0)): Buffer {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  const json = Buffer.from(text);
  const padded = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, data]);
}

/** Writes tensors as the reference implementation does. */
export function writeSafetensors(path: string, tensors: ReadonlyMap<string, Written>): void {
  let at = 0;
  const entries = [...tensors].map(([name, { dtype, shape, bytes }]) => {
    const data_offsets = [at, (at += bytes.length)];
    return [name, { dtype, shape, data_offsets }] as const;
  });
  const header = { __metadata__: { format: "pt" }, ...Object.fromEntries(entries) };
  const data = Buffer.concat([...tensors.values()].map(({ bytes }) => bytes));
  writeFileSync(path, safetensorsBytes(header, data));
}
