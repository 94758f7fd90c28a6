import { writeFileSync } from "node:fs";

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
