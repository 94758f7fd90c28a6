/** Bits of an element, by the names of types in ONNX Runtime's profiles. */
const BITS: Readonly<Record<string, number>> = {
  float: 32,
  float16: 16,
  bfloat16: 16,
  double: 64,
  bool: 8,
  int4: 4,
  uint4: 4,
  int8: 8,
  uint8: 8,
  int16: 16,
  uint16: 16,
  int32: 32,
  uint32: 32,
  int64: 64,
  uint64: 64,
};

/** A tensor as a profile tells of it. */
export interface TensorShape {
  readonly type: string;
  readonly shape: readonly number[];
}

/** Bytes of tensors together; null where a type's size is not known, as of texts. */
export function bytesOfTensors(tensors: readonly TensorShape[]): number | null {
  let bits = 0;
  for (const { type, shape } of tensors) {
    const each = BITS[type];
    if (each === undefined) return null;
    bits += shape.reduce((product, size) => product * size, each);
  }
  return Math.ceil(bits / 8);
}

/** As tables show them: `float[1,64,768] int64[1]`. */
export const showTensors = (tensors: readonly TensorShape[]): string =>
  tensors.map(({ type, shape }) => `${type}[${shape.join(",")}]`).join(" ");

/** From `[{"float":[1,64]},{"int64":[]}]`; what is none of that form is left out. */
export function readTensors(listed: unknown): TensorShape[] {
  if (!Array.isArray(listed)) return [];
  return listed.flatMap((one: unknown) =>
    Object.entries(typeof one === "object" && one !== null ? one : {}).map(([type, shape]) => ({
      type,
      shape: Array.isArray(shape) ? shape.map(Number) : [],
    })),
  );
}

/** What `showTensors` wrote. */
export const parseTensors = (shown: string): TensorShape[] =>
  [...shown.matchAll(/([a-z0-9]+)\[([\d,]*)\]/g)].map(([, type, sizes]) => ({
    type: type!,
    shape: sizes === "" ? [] : sizes!.split(",").map(Number),
  }));
