import { readFileSync } from "node:fs";
import { readSafetensorsFile } from "./file.js";

/** A tensor by its element type; `data` is row-major and owns its memory. */
export type PlainTensor =
  | { dtype: "F32"; shape: number[]; data: Float32Array }
  | { dtype: "I64"; shape: number[]; data: BigInt64Array }
  | { dtype: "I32"; shape: number[]; data: Int32Array };

const ARRAYS = { F32: Float32Array, I64: BigInt64Array, I32: Int32Array } as const;

/** All tensors of a small safetensors file, of the types above. */
export function readTensors(path: string): Map<string, PlainTensor> {
  const bytes = readFileSync(path);
  return new Map(
    readSafetensorsFile(path).entries.map(({ name, dtype, shape, begin, end }) => {
      if (!(dtype in ARRAYS)) throw new Error(`${path} holds ${name} as ${dtype}`);
      const copy = new Uint8Array(bytes.subarray(begin, end)).buffer; // aligned
      const data = new ARRAYS[dtype as keyof typeof ARRAYS](copy);
      return [name, { dtype, shape: [...shape], data } as PlainTensor];
    }),
  );
}
