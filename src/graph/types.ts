import { TensorProto_DataType as DataType } from "onnx-buf";

/** Element types a graph of ours may hold. */
export type DType = "float32" | "float16" | "bfloat16" | "int64" | "int32" | "uint8" | "bool";

/** Element types of weights and activations. */
export type FloatType = "float32" | "float16" | "bfloat16";

/** A dimension: a number, or the name of one that is known only when the graph runs. */
export type Dim = number | string;
/** Sizes of a tensor; a name where it is known at run time only. */
export type Shape = readonly Dim[];

interface TypeFacts {
  readonly onnx: DataType;
  readonly bytes: number;
}

/** Types of elements, with their ONNX code and bytes. */
export const TYPES: Record<DType, TypeFacts> = {
  float32: { onnx: DataType.FLOAT, bytes: 4 },
  float16: { onnx: DataType.FLOAT16, bytes: 2 },
  bfloat16: { onnx: DataType.BFLOAT16, bytes: 2 },
  int64: { onnx: DataType.INT64, bytes: 8 },
  int32: { onnx: DataType.INT32, bytes: 4 },
  uint8: { onnx: DataType.UINT8, bytes: 1 },
  bool: { onnx: DataType.BOOL, bytes: 1 },
};

/** Number of elements of a fully known shape. */
export const elements = (shape: readonly number[]): number =>
  shape.reduce((product, dim) => product * dim, 1);

export const formatShape = (shape: Shape): string => `[${shape.join(", ")}]`;
