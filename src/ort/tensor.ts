import { types } from "node:util";
import { UserError } from "../errors.js";
import type { Api } from "./api.js";
import { DTYPES, assertDType, byteLengthOf, dtypeOf, type DType, type TypedArray } from "./dtype.js";
import { HANDLE, Handle, Owner } from "./handle.js";
import type { TensorSpec } from "./device.js";
import type { Pointer } from "./signatures.js";

/** Where tensors can be made: the C API and the descriptor of a device's memory. */
export interface Host {
  readonly api: Api;
  /** OrtMemoryInfo of the device's memory. */
  readonly memoryInfo: Pointer;
}

/** Memory that stays valid, after its tensor was disposed, until the views that were handed out are collected. */
const viewed = new FinalizationRegistry<Handle>((handle) => {
  handle.drop();
});

/** A dense array of numbers that sessions read and write in place. */
export class Tensor extends Owner {
  readonly byteLength: number;
  readonly #api: Api;
  #view: TypedArray | null;

  /** Made by Runtime.tensor, Session.allocate and Binding.outputs. @internal */
  constructor(
    api: Api,
    readonly dtype: DType,
    readonly shape: readonly number[],
    handle: Handle,
    view: TypedArray | null,
    /** Whether the memory is a GPU's, which only a device can read and write. */
    readonly onDevice = false,
  ) {
    super("tensor", handle);
    this.#api = api;
    this.#view = view;
    this.byteLength = byteLengthOf(dtype, shape);
  }

  /**
   * The elements, without a copy: the caller's own memory, or the runtime's. float16 and bfloat16 come as their bits.
   * A view of the runtime's memory stays valid after the tensor was disposed: the memory goes back when the garbage
   * collector has found the view.
   */
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters -- the caller knows the dtype it asked for
  data<T extends TypedArray = TypedArray>(): T {
    const handle = this[HANDLE];
    if (handle.detached) throw detachedError();
    if (this.onDevice)
      throw new UserError("The elements of this tensor are on the GPU; copy them with the device's read.");
    return (this.#view ??= this.#nativeView(handle)) as T;
  }

  #nativeView(handle: Handle): TypedArray {
    const { array } = DTYPES[this.dtype];
    if (this.byteLength === 0) return new array(0);
    const buffer = this.#api.view(this.#api.GetTensorMutableData(handle.pointer), this.byteLength);
    viewed.register(buffer, handle.hold());
    return new array(buffer);
  }
}

export const detachedError = (): UserError =>
  new UserError(
    "The memory of a tensor was transferred away (to a worker, or by structuredClone); give a copy instead.",
  );

/** A tensor over the caller's memory. */
export function tensorOver(
  { api, memoryInfo }: Host,
  dtype: DType,
  shape: readonly number[],
  data: ArrayBufferView,
): Tensor {
  assertDType(dtype);
  const bytes = byteLengthOf(dtype, shape);
  const view = viewOf(dtype, data);
  const memory = bytes === 0 ? NOWHERE : view;
  if (view.byteLength !== bytes)
    throw new UserError(
      `A ${dtype} tensor of shape [${shape.join(", ")}] takes ${bytes} bytes, but the data has ${view.byteLength}.`,
    );
  if (api.addressOf(memory) % BigInt(DTYPES[dtype].bytes) !== 0n)
    throw new UserError(
      `The data of a ${dtype} tensor is not aligned to ${DTYPES[dtype].bytes} bytes; copy it first.`,
    );
  const value = api.CreateTensorWithDataAsOrtValue(
    memoryInfo,
    memory,
    bytes,
    BigInt64Array.from(shape, BigInt),
    shape.length,
    DTYPES[dtype].code,
  );
  return new Tensor(api, dtype, [...shape], new Handle(value, api.ReleaseValue, [], view), view);
}

/** A tensor over a device's memory, which `needs` keeps allocated. */
export function deviceTensor(
  { api, memoryInfo }: Host,
  { dtype, shape }: TensorSpec,
  address: Pointer,
  needs: readonly Handle[],
): Tensor {
  const value = api.CreateTensorWithDataAsOrtValue(
    memoryInfo,
    address,
    byteLengthOf(dtype, shape),
    BigInt64Array.from(shape, BigInt),
    shape.length,
    DTYPES[dtype].code,
  );
  return new Tensor(api, dtype, [...shape], new Handle(value, api.ReleaseValue, needs), null, true);
}

/** A pointer for tensors without elements, which never read it. */
const NOWHERE = new BigUint64Array(1);

/** A tensor whose memory an allocator of the session gives and takes back. */
export function tensorFrom(
  api: Api,
  allocator: Pointer,
  session: Handle,
  { dtype, shape }: TensorSpec,
  onDevice: boolean,
): Tensor {
  assertDType(dtype);
  byteLengthOf(dtype, shape);
  const value = api.CreateTensorAsOrtValue(
    allocator,
    BigInt64Array.from(shape, BigInt),
    shape.length,
    DTYPES[dtype].code,
  );
  return new Tensor(api, dtype, [...shape], new Handle(value, api.ReleaseValue, [session]), null, onDevice);
}

/** Takes over an OrtValue that a run made. */
export function tensorOf(api: Api, value: Pointer, needs: readonly Handle[]): Tensor {
  const handle = new Handle(value, api.ReleaseValue, needs);
  try {
    const info = api.GetTensorTypeAndShape(value);
    try {
      const { code, dims } = readTypeAndShape(api, info);
      const dtype = dtypeOf(code);
      if (!dtype)
        throw new UserError(`An output has element type ${code}, which this library does not carry.`);
      return new Tensor(api, dtype, dims, handle, null);
    } finally {
      api.ReleaseTensorTypeAndShapeInfo(info);
    }
  } catch (error) {
    handle.drop();
    throw error;
  }
}

/** Element type and dimensions of an OrtTensorTypeAndShapeInfo; -1 for a dimension that is not fixed. */
export function readTypeAndShape(api: Api, info: Pointer): { code: number; dims: number[] } {
  const rank = Number(api.GetDimensionsCount(info));
  const dims = new BigInt64Array(rank);
  if (rank > 0) api.GetDimensions(info, dims, rank);
  return { code: Number(api.GetTensorElementType(info)), dims: Array.from(dims, Number) };
}

/** The caller's bytes as an array of the dtype. A Uint8Array or DataView may hold any dtype; others must match. */
function viewOf(dtype: DType, data: ArrayBufferView): TypedArray {
  const { array, bytes } = DTYPES[dtype];
  assertStable(data);
  const kind = kindOf(data);
  if (
    ![array.name, "Uint8Array", "DataView"].includes(kind) &&
    !(dtype === "float16" && kind === "Float16Array")
  )
    throw new UserError(
      `A ${dtype} tensor takes a ${array.name}, or its bytes as a Uint8Array, not a ${kind}.`,
    );
  if (data.byteOffset % bytes !== 0)
    throw new UserError(
      `The data of a ${dtype} tensor starts at byte ${data.byteOffset} of its buffer; it must be a multiple of ${bytes}.`,
    );
  if (data.byteLength % bytes !== 0)
    throw new UserError(
      `${data.byteLength} bytes are no whole number of ${dtype} elements of ${bytes} bytes.`,
    );
  return new array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength / bytes);
}

/** "Float32Array", "DataView", ...: by tag, as a notebook's cells have constructors of their own. */
const kindOf = (data: ArrayBufferView): string =>
  (data as ArrayBufferView & { [Symbol.toStringTag]: string })[Symbol.toStringTag];

/** Refuses memory that can move or vanish while native code points to it. */
function assertStable(data: ArrayBufferView): void {
  if (!ArrayBuffer.isView(data)) throw new UserError("Tensor data must be a typed array or a DataView.");
  // Asking for the buffer moves a small array off V8's moving heap, for good.
  const buffer = data.buffer as ArrayBufferLike & { resizable?: boolean; growable?: boolean };
  if (buffer.resizable || buffer.growable)
    throw new UserError("Tensor data must not be in a resizable buffer: native code keeps a pointer to it.");
  if (buffer.byteLength === 0 && isDetached(buffer)) throw detachedError();
}

function isDetached(buffer: ArrayBufferLike): boolean {
  if (types.isSharedArrayBuffer(buffer)) return false;
  try {
    new Uint8Array(buffer);
    return false;
  } catch {
    return true;
  }
}
