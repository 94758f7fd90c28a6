/** ONNX models small enough to read in one glance, as bytes. The real builder is src/graph; this one serves its tests. */
import { create, toBinary } from "@bufbuild/protobuf";
import { AttributeProto_AttributeType as Attribute, ModelProtoSchema, TensorProto_DataType } from "onnx-buf";

type ElementType = keyof typeof TensorProto_DataType;

/** `["x", "FLOAT", ["n", 4]]`: a name, an element type as ONNX spells it, fixed or symbolic dimensions, null for any. */
export type ValueSpec = [name: string, type: ElementType, shape: (number | string)[] | null];

export interface NodeSpec {
  op: string;
  in: string[];
  out: string[];
  /** Integer attributes, e.g. `{ to: 10 }` of Cast. */
  attributes?: Record<string, number>;
}

export interface InitializerSpec {
  name: string;
  type: ElementType;
  dims: number[];
  /** Absent: the bytes are said to be in an external file that does not exist, so they must be given to the session. */
  bytes?: Uint8Array<ArrayBuffer>;
}

export interface TinyModel {
  inputs: ValueSpec[];
  outputs: ValueSpec[];
  nodes: NodeSpec[];
  initializers?: InitializerSpec[];
}

export function tinyModel({ inputs, outputs, nodes, initializers = [] }: TinyModel): Uint8Array {
  const value = ([name, type, shape]: ValueSpec) => ({
    name,
    type: {
      value: {
        case: "tensorType" as const,
        value: {
          elemType: TensorProto_DataType[type],
          ...(shape && { shape: { dim: shape.map(dimension) } }),
        },
      },
    },
  });
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: 10n,
      opsetImport: [
        { domain: "", version: 21n },
        { domain: "com.microsoft", version: 1n },
      ],
      graph: {
        name: "tiny",
        input: inputs.map(value),
        output: outputs.map(value),
        node: nodes.map(({ op, in: input, out: output, attributes = {} }) => ({
          opType: op,
          input,
          output,
          attribute: Object.entries(attributes).map(([name, i]) => ({
            name,
            type: Attribute.INT,
            i: BigInt(i),
          })),
        })),
        initializer: initializers.map(({ name, type, dims, bytes }) => ({
          name,
          dataType: TensorProto_DataType[type],
          dims: dims.map(BigInt),
          ...(bytes
            ? { rawData: bytes }
            : { dataLocation: 1, externalData: [{ key: "location", value: "nowhere.bin" }] }),
        })),
      },
    }),
  );
}

const dimension = (size: number | string) => ({
  value:
    typeof size === "number"
      ? { case: "dimValue" as const, value: BigInt(size) }
      : { case: "dimParam" as const, value: size },
});

/** y = x, of any shape. */
export const identityModel = (type: ElementType = "FLOAT"): Uint8Array =>
  tinyModel({
    inputs: [["x", type, null]],
    outputs: [["y", type, null]],
    nodes: [{ op: "Identity", in: ["x"], out: ["y"] }],
  });
