import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, TensorProto_DataLocation } from "onnx-buf";
import { encodeModel } from "../../src/graph/index.js";
import { buildModel } from "../../src/models/index.js";
import type { Checkpoint } from "./checkpoint.js";

/** A graph of ours with a checkpoint's float32 weights inside: an .onnx file as others write it. */
export function selfContained({ model, source }: Checkpoint, logits: "last" | "all"): Uint8Array {
  const { graph, weights } = buildModel(model, {
    dtype: "float32",
    lowering: "linear-attention",
    logits,
    positions: 256,
    tokensMultipleOf: 1,
    separateProducts: false,
  });
  const file = fromBinary(ModelProtoSchema, encodeModel(graph));
  const specs = new Map(weights.map((spec) => [spec.name, spec]));
  for (const tensor of file.graph!.initializer) {
    const spec = specs.get(tensor.name);
    if (!spec) continue;
    const values = new Float32Array(spec.shape.reduce((product, size) => product * size, 1));
    source.fill(spec, values);
    tensor.rawData = new Uint8Array(values.buffer);
    tensor.externalData = [];
    tensor.dataLocation = TensorProto_DataLocation.DEFAULT;
  }
  return toBinary(ModelProtoSchema, file);
}
