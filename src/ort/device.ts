import type { DType, TypedArray } from "./dtype.js";
import type { Pointer } from "./signatures.js";
import type { Tensor } from "./tensor.js";

/** Key of a device's OrtMemoryInfo: only src/ort can name it. */
export const MEMORY_INFO = Symbol("memory info");

export interface TensorSpec {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Where a session computes and keeps its tensors. Sessions and tensors of one model are all of one device. */
export interface Device {
  readonly ep: "cpu" | "cuda";
  /** Name of the GPU; null for the CPU, whose name the operating system knows. */
  readonly name: string | null;
  /** CUDA's own facts; null on the CPU. */
  readonly cuda: CudaFacts | null;
  /** Tensors in the device's memory, outside every session's allocator; on a GPU in one block, so that bytes are exact. */
  allocate(specs: readonly TensorSpec[]): Tensor[];
  /** Part of a tensor's memory as a tensor of its own, which keeps it. */
  view(tensor: Tensor, spec: TensorSpec, byteOffset: number): Tensor;
  /** Lets `write` set a tensor's elements in ordinary memory, and brings them to the device. */
  fill(tensor: Tensor, write: (elements: TypedArray) => void): void;
  /** Sets every byte of the tensors to 0. */
  clear(tensors: readonly Tensor[]): void;
  /** Copies a tensor's elements into ordinary memory. */
  read(tensor: Tensor, into: TypedArray): void;
  /** Memory of the device that is in use, by whomever; null on the CPU. */
  usedBytes(): number | null;
  /** What `fill` has copied to the device so far; null on the CPU, where nothing is copied. */
  readonly uploaded: { readonly bytes: number; readonly ms: number } | null;
  readonly [MEMORY_INFO]: Pointer;
}

export interface CudaFacts {
  readonly deviceId: number;
  readonly uuid: string | null;
  readonly computeCapability: string;
  readonly totalBytes: number;
  readonly driverVersion: string;
  readonly runtimeVersion: string;
}
