import { MEMORY_INFO, type Device } from "./device.js";
import { byteLengthOf, DTYPES, type TypedArray } from "./dtype.js";
import { tensorOver, type Host } from "./tensor.js";

/** The CPU: a tensor's memory is JavaScript's, and so is written and read in place. */
export function hostDevice(host: Host): Device {
  return {
    ep: "cpu",
    name: null,
    cuda: null,
    allocate: (specs) =>
      specs.map(({ dtype, shape }) => {
        const memory = new DTYPES[dtype].array(new ArrayBuffer(byteLengthOf(dtype, shape)));
        return tensorOver(host, dtype, shape, memory);
      }),
    view: (tensor, { dtype, shape }, byteOffset) => {
      const { buffer, byteOffset: start } = tensor.data();
      const bytes = new Uint8Array(buffer, start + byteOffset, byteLengthOf(dtype, shape));
      return tensorOver(host, dtype, shape, bytes);
    },
    fill: (tensor, write) => {
      write(tensor.data());
    },
    clear: (tensors) => {
      for (const tensor of tensors) {
        const { buffer, byteOffset, byteLength } = tensor.data();
        new Uint8Array(buffer, byteOffset, byteLength).fill(0);
      }
    },
    read: (tensor, into) => {
      (into as { set(values: TypedArray): void }).set(tensor.data());
    },
    usedBytes: () => null,
    uploaded: null,
    [MEMORY_INFO]: host.memoryInfo,
  };
}
