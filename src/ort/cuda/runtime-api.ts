import { koffi } from "../../ffi/koffi.js";
import type { Library } from "../../ffi/library.js";
import { UserError } from "../../errors.js";
import { CudaError } from "../error.js";
import type { Pointer } from "../signatures.js";

/** cudaMemcpyKind of driver_types.h. */
const HOST_TO_DEVICE = 1;
const DEVICE_TO_HOST = 2;

/** The few functions of the CUDA runtime that we call: memory outside ONNX Runtime's arenas, and how much there is. */
export interface CudaRuntimeApi {
  /** Throws a CudaError with `isOutOfMemory` where there is not that much. */
  malloc(bytes: number): Pointer;
  free(memory: Pointer): void;
  /** Copies and waits for the copy to arrive. */
  upload(to: Pointer, from: ArrayBufferView): void;
  download(to: ArrayBufferView, from: Pointer): void;
  /** Queues it; `synchronize` waits. */
  zero(memory: Pointer, bytes: number): void;
  synchronize(): void;
  /** Of the whole device, whoever uses it. */
  memory(): { freeBytes: number; totalBytes: number };
}

type Call = (...values: unknown[]) => number;

/** Binds the functions of libcudart and makes `deviceId` this thread's device. */
export function openCudaRuntime(cudart: Library, deviceId: number): CudaRuntimeApi {
  const { decode, proto } = koffi();
  const bind = (name: string, result: string, parameters: string[]): Call => {
    const address = cudart.symbol(name);
    if (address === null)
      throw new UserError(`${cudart.path} is not the CUDA runtime: it does not export ${name}.`);
    return decode(address, proto(result, parameters)) as Call;
  };
  const errorString = bind("cudaGetErrorString", "str", ["int"]) as unknown as (code: number) => string;
  // An error that is not fatal stays as the thread's "last error", where the next check of ONNX Runtime would find it.
  const clearError = bind("cudaGetLastError", "int", []);
  const checked = (name: string, parameters: string[]): ((...values: unknown[]) => void) => {
    const call = bind(name, "int", parameters);
    return (...values) => {
      const code = call(...values);
      if (code === 0) return;
      clearError();
      const bytes = name === "cudaMalloc" ? (values[1] as number) : null;
      throw new CudaError(name, code, errorString(code), bytes);
    };
  };

  const malloc = checked("cudaMalloc", ["void*", "size_t"]);
  const free = bind("cudaFree", "int", ["void*"]);
  const copy = checked("cudaMemcpy", ["void*", "void*", "size_t", "int"]);
  const set = checked("cudaMemset", ["void*", "int", "size_t"]);
  const synchronize = checked("cudaDeviceSynchronize", []);
  const info = checked("cudaMemGetInfo", ["void*", "void*"]);
  const selectDevice = bind("cudaSetDevice", "int", ["int"]);
  const setDevice = checked("cudaSetDevice", ["int"]);
  setDevice(deviceId);
  // The device is the thread's: another one may have been opened since.
  const onDevice =
    <T extends unknown[]>(call: (...values: T) => void) =>
    (...values: T): void => {
      setDevice(deviceId);
      call(...values);
    };

  return {
    malloc(bytes) {
      const out = new BigUint64Array(1);
      setDevice(deviceId);
      malloc(out, bytes);
      return out[0]!;
    },
    // After a fatal error of the device this fails, and there is nothing left to free: a release must not throw.
    free: (memory) => {
      selectDevice(deviceId);
      free(memory);
      clearError();
    },
    upload: onDevice((to: Pointer, from: ArrayBufferView) => {
      copy(to, from, from.byteLength, HOST_TO_DEVICE);
      // From ordinary memory a copy returns when the last piece is staged, and ONNX Runtime's streams do not wait for it.
      synchronize();
    }),
    download: onDevice((to: ArrayBufferView, from: Pointer) => {
      copy(to, from, to.byteLength, DEVICE_TO_HOST);
    }),
    zero: onDevice((memory: Pointer, bytes: number) => {
      set(memory, 0, bytes);
    }),
    synchronize: onDevice(() => {
      synchronize();
    }),
    memory() {
      setDevice(deviceId);
      const free = new BigUint64Array(1);
      const total = new BigUint64Array(1);
      info(free, total);
      return { freeBytes: Number(free[0]), totalBytes: Number(total[0]) };
    },
  };
}
