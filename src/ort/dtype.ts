import { UserError } from "../errors.js";

/**
 * Element types of tensors: ONNXTensorElementDataType's number, bytes an element, and the array that holds them in
 * JavaScript. float16 and bfloat16 are their bits; JavaScript (Node 20) has no array of such numbers.
 */
export const DTYPES = {
  float32: { code: 1, bytes: 4, array: Float32Array },
  uint8: { code: 2, bytes: 1, array: Uint8Array },
  int8: { code: 3, bytes: 1, array: Int8Array },
  uint16: { code: 4, bytes: 2, array: Uint16Array },
  int16: { code: 5, bytes: 2, array: Int16Array },
  int32: { code: 6, bytes: 4, array: Int32Array },
  int64: { code: 7, bytes: 8, array: BigInt64Array },
  bool: { code: 9, bytes: 1, array: Uint8Array },
  float16: { code: 10, bytes: 2, array: Uint16Array },
  float64: { code: 11, bytes: 8, array: Float64Array },
  uint32: { code: 12, bytes: 4, array: Uint32Array },
  uint64: { code: 13, bytes: 8, array: BigUint64Array },
  bfloat16: { code: 16, bytes: 2, array: Uint16Array },
} as const;

export type DType = keyof typeof DTYPES;
export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

const BY_CODE = new Map(
  (Object.keys(DTYPES) as DType[]).map((dtype) => [DTYPES[dtype].code as number, dtype]),
);

/** The type of ONNX Runtime's number, or null for one that we do not carry (strings, complex and 4-bit numbers). */
export const dtypeOf = (code: number): DType | null => BY_CODE.get(code) ?? null;

export function assertDType(dtype: string): asserts dtype is DType {
  if (!Object.hasOwn(DTYPES, dtype))
    throw new UserError(`Unknown dtype "${dtype}"; it must be one of ${Object.keys(DTYPES).join(", ")}.`);
}

/** Bytes of a tensor, after making sure that the shape is one. */
export function byteLengthOf(dtype: DType, shape: readonly number[]): number {
  const bad = shape.find((size) => !Number.isSafeInteger(size) || size < 0);
  if (bad !== undefined)
    throw new UserError(
      `Shape [${shape.join(", ")}] has a dimension of ${bad}; dimensions are whole numbers from 0 on.`,
    );
  const bytes = shape.reduce((product, size) => product * size, DTYPES[dtype].bytes);
  if (!Number.isSafeInteger(bytes))
    throw new UserError(
      `Shape [${shape.join(", ")}] of ${dtype} needs ${bytes} bytes, more than can be addressed.`,
    );
  return bytes;
}
