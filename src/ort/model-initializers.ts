import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";

/**
 * Which initializers a serialized model declares. ONNX Runtime takes a tensor for an initializer on trust: a misspelt
 * name is ignored (the weight then comes silently from the model's file), and a wrong type or shape shows, if at all, as
 * the failure of some kernel. So we read the declarations ourselves.
 */
export interface DeclaredInitializer {
  /** TensorProto.DataType, the numbers of which ONNXTensorElementDataType shares. */
  code: number;
  shape: number[];
  /** The file that is said to hold its bytes; null for bytes inside the model. */
  file: string | null;
}

/** By name. Throws on bytes that are no protobuf message. */
export function declaredInitializers(model: Uint8Array): Map<string, DeclaredInitializer> {
  const { graph } = fromBinary(ModelProtoSchema, model);
  return new Map(
    graph?.initializer.map(({ name, dataType, dims, externalData }) => {
      const file = externalData.find(({ key }) => key === "location")?.value ?? null;
      return [name, { code: dataType, shape: dims.map(Number), file }];
    }),
  );
}
