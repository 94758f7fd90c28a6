import { create, toBinary } from "@bufbuild/protobuf";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  TensorProto_DataType as DataType,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { UserError } from "../../errors.js";
import { MEMORY_INFO, type CudaFacts, type Device, type TensorSpec } from "../device.js";
import { byteLengthOf, DTYPES, type TypedArray } from "../dtype.js";
import { HANDLE, Handle } from "../handle.js";
import { deviceTensor, type Host, type Tensor } from "../tensor.js";
import type { Pointer } from "../signatures.js";
import type { CudaRuntimeApi } from "./runtime-api.js";

/** What cudaMalloc itself aligns to; tensors in a block start at multiples of it. */
const ALIGNMENT = 256;

/** A GPU: tensors are written through a staging buffer in ordinary memory. */
export class CudaDevice implements Device {
  readonly ep = "cuda";
  readonly [MEMORY_INFO]: Pointer;
  readonly #host: Host;
  readonly #api: CudaRuntimeApi;
  #staging = new ArrayBuffer(0);
  #uploadedBytes = 0;
  #uploadMs = 0;

  /** @param host with the OrtMemoryInfo of the device's memory */
  constructor(
    host: Host,
    api: CudaRuntimeApi,
    readonly name: string,
    readonly cuda: CudaFacts,
  ) {
    this.#host = host;
    this.#api = api;
    this[MEMORY_INFO] = host.memoryInfo;
  }

  allocate(specs: readonly TensorSpec[]): Tensor[] {
    const sizes = specs.map(({ dtype, shape }) => byteLengthOf(dtype, shape));
    const offsets: number[] = [];
    let total = 0;
    for (const size of sizes) {
      offsets.push(total);
      total += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    }
    if (total === 0) return specs.map((spec) => deviceTensor(this.#host, spec, 0n, []));
    const block = new Handle(this.#api.malloc(total), (memory) => {
      this.#api.free(memory);
    });
    try {
      return specs.map((spec, i) =>
        deviceTensor(this.#host, spec, block.pointer + BigInt(offsets[i]!), [block]),
      );
    } finally {
      block.drop();
    }
  }

  view(tensor: Tensor, spec: TensorSpec, byteOffset: number): Tensor {
    return deviceTensor(this.#host, spec, this.#addressOf(tensor) + BigInt(byteOffset), [tensor[HANDLE]]);
  }

  fill(tensor: Tensor, write: (elements: TypedArray) => void): void {
    const elements = this.#stagingFor(tensor);
    write(elements);
    const start = performance.now();
    this.#api.upload(this.#addressOf(tensor), elements);
    this.#uploadMs += performance.now() - start;
    this.#uploadedBytes += elements.byteLength;
  }

  get uploaded(): { bytes: number; ms: number } {
    return { bytes: this.#uploadedBytes, ms: this.#uploadMs };
  }

  clear(tensors: readonly Tensor[]): void {
    for (const tensor of tensors) this.#api.zero(this.#addressOf(tensor), tensor.byteLength);
    this.#api.synchronize();
  }

  read(tensor: Tensor, into: TypedArray): void {
    if (into.byteLength !== tensor.byteLength)
      throw new UserError(`A tensor of ${tensor.byteLength} bytes cannot be read into ${into.byteLength}.`);
    this.#api.download(into, this.#addressOf(tensor));
  }

  usedBytes(): number {
    const { totalBytes, freeBytes } = this.#api.memory();
    return totalBytes - freeBytes;
  }

  #addressOf(tensor: Tensor): Pointer {
    return this.#host.api.GetTensorMutableData(tensor[HANDLE].pointer);
  }

  /** Memory for the tensor's elements, holding anything; grows to the largest tensor and is used again. */
  #stagingFor({ dtype, byteLength }: Tensor): TypedArray {
    if (this.#staging.byteLength < byteLength) this.#staging = new ArrayBuffer(byteLength);
    const { array, bytes } = DTYPES[dtype];
    return new array(this.#staging, 0, byteLength / bytes);
  }
}

/** A model that does nothing: creating a session of it loads the CUDA provider. */
export function nothingModel(): Uint8Array {
  const value = (name: string) =>
    create(ValueInfoProtoSchema, {
      name,
      type: create(TypeProtoSchema, {
        value: {
          case: "tensorType",
          value: create(TypeProto_TensorSchema, { elemType: DataType.FLOAT }),
        },
      }),
    });
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 10n,
      opsetImport: [create(OperatorSetIdProtoSchema, { version: 21n })],
      graph: create(GraphProtoSchema, {
        name: "nothing",
        node: [create(NodeProtoSchema, { opType: "Identity", input: ["x"], output: ["y"] })],
        input: [value("x")],
        output: [value("y")],
      }),
    }),
  );
}
