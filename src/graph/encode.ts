import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType as AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation as DataLocation,
  TensorProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
  type AttributeProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "onnx-buf";
import type { Attribute, Constant, Graph, Node, Value, Weight } from "./builder.js";
import { FUSED_DOMAIN } from "./ops/fused.js";
import { TYPES } from "./types.js";

/** Opset 21 with IR 10: what ONNX Runtime 1.20 and later read. */
const OPSETS = [
  { domain: "", version: 21 },
  { domain: "com.microsoft", version: 1 },
];
/** Only a session that has the operators knows their domain, so only graphs that have them name it. */
const OWN_OPSET = { domain: FUSED_DOMAIN, version: 1 };
const IR_VERSION = 10n;

/** The file that holds the weights of a model written to disk, beside the model. */
export const WEIGHTS_FILE = "weights.bin";

/** The graph as ONNX bytes. Weights are external data of WEIGHTS_FILE; a session may be given them by name instead. */
export function encodeModel(graph: Graph): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      producerName: "ssm-scope",
      opsetImport: [...OPSETS, ...(isFused(graph) ? [OWN_OPSET] : [])].map(({ domain, version }) =>
        create(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
      ),
      graph: create(GraphProtoSchema, {
        name: graph.name,
        node: inExecutionOrder(graph.nodes).map(encodeNode),
        initializer: [...graph.constants.map(encodeConstant), ...graph.weights.map(encodeWeight)],
        input: graph.inputs.map(encodeValue),
        output: graph.outputs.map(encodeValue),
      }),
    }),
  );
}

/** Whether the graph has operators of our own. */
export const isFused = (graph: Graph): boolean => graph.nodes.some(({ domain }) => domain === FUSED_DOMAIN);

/**
 * The nodes in the order that makes ONNX Runtime run each as early as it can be let go. It walks up from nodes that
 * nobody consumes, the last one in the file first: a side branch such as a layer's new state, left where it was made,
 * would run after everything else and hold its layer's activations until then. So those nodes come last, in reverse.
 */
function inExecutionOrder(nodes: readonly Node[]): Node[] {
  const consumed = new Set(nodes.flatMap(({ inputs }) => inputs));
  const isLeaf = ({ outputs }: Node): boolean => !outputs.some((value) => value && consumed.has(value));
  return [...nodes.filter((node) => !isLeaf(node)), ...nodes.filter(isLeaf).reverse()];
}

function encodeNode({ name, op, domain, inputs, outputs, attributes }: Node): NodeProto {
  return create(NodeProtoSchema, {
    name,
    opType: op,
    domain,
    input: inputs.map((value) => value?.name ?? ""),
    output: outputs.map((value) => value?.name ?? ""),
    attribute: Object.entries(attributes).map(([key, value]) => encodeAttribute(key, value)),
  });
}

function encodeAttribute(name: string, value: Attribute): AttributeProto {
  if (typeof value === "string")
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRING,
      s: new TextEncoder().encode(value),
    });
  if (typeof value === "number")
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  if ("float" in value)
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
}

function encodeConstant({ value, bytes }: Constant): TensorProto {
  return create(TensorProtoSchema, {
    name: value.name,
    dataType: TYPES[value.dtype].onnx,
    dims: value.shape.map(BigInt),
    rawData: bytes as Uint8Array<ArrayBuffer>,
  });
}

function encodeWeight({ value, shape, offset, byteLength }: Weight): TensorProto {
  const entry = (key: string, text: string | number) =>
    create(StringStringEntryProtoSchema, { key, value: String(text) });
  return create(TensorProtoSchema, {
    name: value.name,
    dataType: TYPES[value.dtype].onnx,
    dims: shape.map(BigInt),
    dataLocation: DataLocation.EXTERNAL,
    externalData: [entry("location", WEIGHTS_FILE), entry("offset", offset), entry("length", byteLength)],
  });
}

function encodeValue({ name, dtype, shape }: Value): ValueInfoProto {
  const dim = shape.map((size) =>
    create(TensorShapeProto_DimensionSchema, {
      value:
        typeof size === "number"
          ? { case: "dimValue", value: BigInt(size) }
          : { case: "dimParam", value: size },
    }),
  );
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, {
      value: {
        case: "tensorType",
        value: create(TypeProto_TensorSchema, {
          elemType: TYPES[dtype].onnx,
          shape: create(TensorShapeProtoSchema, { dim }),
        }),
      },
    }),
  });
}
