import { UserError } from "../errors.js";
import type { Api } from "./api.js";
import { dtypeOf, type DType } from "./dtype.js";
import type { Pointer } from "./signatures.js";
import { readTypeAndShape, type Tensor } from "./tensor.js";

/** An input or output of a model. */
export interface ValueInfo {
  readonly name: string;
  readonly dtype: DType;
  /** A string is the name of a dimension that is not fixed, "?" one without a name. Empty for scalars and unknown ranks. */
  readonly shape: readonly (number | string)[];
}

const ONNX_TYPE_TENSOR = 1;

/** Reads an OrtTypeInfo and releases it. */
export function readValueInfo(api: Api, name: string, typeInfo: Pointer): ValueInfo {
  try {
    if (Number(api.GetOnnxTypeFromTypeInfo(typeInfo)) !== ONNX_TYPE_TENSOR)
      throw new UserError(
        `"${name}" of the model is a sequence, map or optional value; only tensors can be bound.`,
      );
    const info = api.CastTypeInfoToTensorInfo(typeInfo);
    const { code, dims } = readTypeAndShape(api, info);
    const dtype = dtypeOf(code);
    if (!dtype)
      throw new UserError(
        `"${name}" of the model has element type ${code}, which this library does not carry.`,
      );
    const symbols = readSymbols(api, info, dims.length);
    return { name, dtype, shape: dims.map((size, axis) => (size >= 0 ? size : symbols[axis] || "?")) };
  } finally {
    api.ReleaseTypeInfo(typeInfo);
  }
}

function readSymbols(api: Api, info: Pointer, rank: number): string[] {
  if (rank === 0) return [];
  const names = new BigUint64Array(rank);
  api.GetSymbolicDimensions(info, names, rank);
  return Array.from(names, (address) => (address === 0n ? "" : api.readString(address)));
}

/** Throws unless the tensor can stand for the value. ONNX Runtime checks only when it runs, and outputs only in part. */
export function assertFits(
  role: "input" | "output",
  { name, dtype, shape }: ValueInfo,
  tensor: Tensor,
): void {
  const given = `${tensor.dtype} [${tensor.shape.join(", ")}]`;
  const wanted = `${dtype} [${shape.join(", ")}]`;
  const sameRank = shape.length === 0 || shape.length === tensor.shape.length;
  const sameSizes = shape.every((size, axis) => typeof size === "string" || size === tensor.shape[axis]);
  if (tensor.dtype !== dtype || !sameRank || !sameSizes)
    throw new UserError(`The ${role} "${name}" is ${wanted}; a tensor of ${given} does not fit.`);
}
