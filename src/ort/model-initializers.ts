/**
 * Which initializers a serialized model declares. ONNX Runtime takes a tensor for an initializer on trust: a misspelt
 * name is ignored (the weight then comes silently from the model's file), and a wrong type or shape shows, if at all, as
 * the failure of some kernel. So we read the declarations ourselves: a few fields of onnx.proto3.
 */
export interface DeclaredInitializer {
  /** TensorProto.DataType, the numbers of which ONNXTensorElementDataType shares. */
  code: number;
  shape: number[];
  /** The file that is said to hold its bytes; null for bytes inside the model. */
  file: string | null;
}

/** By name. Throws RangeError on bytes that are no protobuf message. */
export function declaredInitializers(model: Uint8Array): Map<string, DeclaredInitializer> {
  const declared = new Map<string, DeclaredInitializer>();
  for (const graph of messages(model, MODEL_GRAPH))
    for (const tensor of messages(graph, GRAPH_INITIALIZER)) {
      const { name, ...declaration } = readTensor(tensor);
      declared.set(name, declaration);
    }
  return declared;
}

// Field numbers of onnx.proto3.
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR_DIMS = 1;
const TENSOR_DATA_TYPE = 2;
const TENSOR_NAME = 8;
const TENSOR_EXTERNAL_DATA = 13;
const ENTRY_KEY = 1;
const ENTRY_VALUE = 2;

interface Field {
  number: number;
  /** A number, or the bytes of a string, a message or a packed list. */
  value: number | Uint8Array;
}

function* messages(bytes: Uint8Array, number: number): Generator<Uint8Array> {
  for (const field of fields(bytes))
    if (field.number === number && typeof field.value !== "number") yield field.value;
}

function readTensor(bytes: Uint8Array): DeclaredInitializer & { name: string } {
  const tensor: DeclaredInitializer & { name: string } = { name: "", code: 0, shape: [], file: null };
  for (const { number, value } of fields(bytes)) {
    if (number === TENSOR_DIMS) tensor.shape.push(...(typeof value === "number" ? [value] : varints(value)));
    else if (number === TENSOR_DATA_TYPE && typeof value === "number") tensor.code = value;
    else if (number === TENSOR_NAME) tensor.name = text(value);
    else if (number === TENSOR_EXTERNAL_DATA && typeof value !== "number")
      tensor.file = readLocation(value) ?? tensor.file;
  }
  return tensor;
}

/** The value of the entry "location" of external data; undefined for its other entries. */
function readLocation(entry: Uint8Array): string | undefined {
  const found = new Map([...fields(entry)].map(({ number, value }) => [number, text(value)]));
  return found.get(ENTRY_KEY) === "location" ? found.get(ENTRY_VALUE) : undefined;
}

const text = (value: Field["value"]): string =>
  typeof value === "number" ? "" : new TextDecoder().decode(value);

/** Protobuf's wire format: https://protobuf.dev/programming-guides/encoding/ */
function* fields(bytes: Uint8Array): Generator<Field> {
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) {
    const tag = varint(bytes, cursor);
    const [number, wireType] = [Math.floor(tag / 8), tag % 8];
    if (wireType === 0) yield { number, value: varint(bytes, cursor) };
    else if (wireType === 1) take(bytes, cursor, 8);
    else if (wireType === 2) yield { number, value: take(bytes, cursor, varint(bytes, cursor)) };
    else if (wireType === 5) take(bytes, cursor, 4);
    else throw new RangeError(`Wire type ${wireType} at byte ${cursor.at} is not protobuf.`);
  }
}

function take(bytes: Uint8Array, cursor: { at: number }, length: number): Uint8Array {
  const end = cursor.at + length;
  if (end > bytes.length) throw new RangeError(`A field ends at byte ${end} of ${bytes.length}.`);
  const taken = bytes.subarray(cursor.at, end);
  cursor.at = end;
  return taken;
}

/** Exact up to 2^53, which no size of ours exceeds. */
function varint(bytes: Uint8Array, cursor: { at: number }): number {
  let value = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[cursor.at++];
    if (byte === undefined) throw new RangeError("A number is cut off at the end of the bytes.");
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
  }
}

function* varints(bytes: Uint8Array): Generator<number> {
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) yield varint(bytes, cursor);
}
