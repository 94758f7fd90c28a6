import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, type GraphProto, type NodeProto, type ValueInfoProto } from "onnx-buf";
import { UserError } from "../errors.js";
import { dtypeOf } from "./dtype.js";
import type { ValueInfo } from "./value-info.js";

/** What a model's file says of it, without a session: no weight is read beyond the file itself. */
export interface ModelFile {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Types of the operators that read each input, subgraphs included. */
  readonly readers: ReadonlyMap<string, readonly string[]>;
  /** Size of the file and of the files of external data that it names. */
  readonly bytes: number;
  /** SHA-256 of the file; external data is in it by name only. */
  readonly sha256: string;
}

const PROTOBUF_LIMIT = 2 ** 31;

/** Reads an .onnx file. Throws UserError where it is none, or where a file of its weights is missing. */
export function readModelFile(path: string): ModelFile {
  const file = statSync(path);
  if (!file.isFile()) throw new UserError(`${path} is no file; give that of the model, e.g. model.onnx`);
  if (file.size >= PROTOBUF_LIMIT)
    throw new UserError(
      `${path} has ${file.size} bytes, more than an ONNX model can have without external data`,
    );
  const content = readFileSync(path);
  const graph = parse(content, path);
  const initializers = new Set(graph.initializer.map(({ name }) => name));
  return {
    // Models before IR version 4 list their weights among the inputs.
    inputs: graph.input.filter(({ name }) => !initializers.has(name)).map(valueInfo),
    outputs: graph.output.map(valueInfo),
    readers: readersIn(graph),
    bytes: content.byteLength + externalBytes(graph, path),
    sha256: createHash("sha256").update(content).digest("hex"),
  };
}

function parse(content: Uint8Array, path: string): GraphProto {
  let graph: GraphProto | undefined;
  try {
    ({ graph } = fromBinary(ModelProtoSchema, content));
  } catch {
    // Said below, as of a message that happens to parse.
  }
  if (!graph?.output.length) throw new UserError(`${path} is no ONNX model`);
  return graph;
}

function valueInfo({ name, type }: ValueInfoProto): ValueInfo {
  const value = type?.value;
  if (value?.case !== "tensorType")
    throw new UserError(`"${name}" of the model is not a tensor; only tensors can be bound`);
  const { elemType, shape } = value.value;
  const dtype = dtypeOf(elemType);
  if (!dtype)
    throw new UserError(
      `"${name}" of the model has element type ${elemType}, which this library does not carry`,
    );
  return { name, dtype, shape: (shape?.dim ?? []).map(({ value: size }) => dimension(size.value)) };
}

/** As ORT's session gives it: a size, or a name, "?" where there is neither. */
const dimension = (size: bigint | string | undefined): number | string =>
  typeof size === "bigint" ? Number(size) : size || "?";

function readersIn(graph: GraphProto): Map<string, string[]> {
  const readers = new Map<string, string[]>();
  const visit = (nodes: readonly NodeProto[]): void => {
    for (const { opType, input, attribute } of nodes) {
      for (const name of input) {
        const ops = readers.get(name);
        if (ops) ops.push(opType);
        else readers.set(name, [opType]);
      }
      for (const { g, graphs } of attribute)
        for (const inner of g ? [g, ...graphs] : graphs) visit(inner.node);
    }
  };
  visit(graph.node);
  return readers;
}

function externalBytes(graph: GraphProto, path: string): number {
  const locations = graph.initializer.flatMap(({ externalData }) =>
    externalData.filter(({ key }) => key === "location").map(({ value }) => value),
  );
  return [...new Set(locations)].reduce((sum, location) => {
    const file = statSync(join(dirname(path), location), { throwIfNoEntry: false });
    if (!file?.isFile())
      throw new UserError(`${path} has its weights in ${location}, but there is no such file beside it`);
    return sum + file.size;
  }, 0);
}
