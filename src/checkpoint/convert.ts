import type { FloatType } from "../graph/index.js";
import type { Transform, WeightBits } from "../models/index.js";

/** Element types that weights may be stored in. */
export const STORED = { F32: "float32", F16: "float16", BF16: "bfloat16" } as const satisfies Record<
  string,
  FloatType
>;

export type StoredFloat = keyof typeof STORED;

/** Stored elements as they are read: bit patterns, 16 or 32 bits each. */
export type StoredBits = Uint16Array | Uint32Array;

/** Writes stored elements into `out`; `at` is where they begin in their tensor. */
export type Convert = (stored: StoredBits, out: WeightBits, at: number) => void;

/** How elements get from one type to another, rounded to nearest even. */
export function converter(from: StoredFloat, to: FloatType, transform?: Transform): Convert {
  if (transform) return transformed(from, to, transform);
  if (STORED[from] === to) return copy;
  return from === "F32" ? NARROW[to] : lookUp(tableOf(from, to));
}

const copy: Convert = (stored, out) => {
  patterns(out).set(stored);
};

// A loop of its own for each, so that what it calls is compiled into it.
const NARROW: Record<FloatType, Convert> = {
  float32: copy,
  float16: (stored, out) => {
    for (let i = 0; i < stored.length; i++) out[i] = toHalf(stored[i]!);
  },
  bfloat16: (stored, out) => {
    for (let i = 0; i < stored.length; i++) out[i] = toBrain(stored[i]!);
  },
};

const lookUp =
  (table: StoredBits): Convert =>
  (stored, out) => {
    const bits = patterns(out);
    for (let i = 0; i < stored.length; i++) bits[i] = table[stored[i]!]!;
  };

/** The number is computed in double precision, kept as float32 and rounded to the type of the weight. */
function transformed(from: StoredFloat, to: FloatType, transform: Transform): Convert {
  const widen = from === "F32" ? copy : lookUp(tableOf(from, "float32"));
  const block = new Float32Array(BLOCK);
  return (stored, out, at) => {
    for (let start = 0; start < stored.length; start += BLOCK) {
      const part = stored.subarray(start, start + BLOCK);
      const floats = block.subarray(0, part.length);
      widen(part, floats, 0);
      for (let i = 0; i < floats.length; i++) floats[i] = transform(floats[i]!, at + start + i);
      NARROW[to](patterns(floats), out.subarray(start, start + part.length), 0);
    }
  };
}

/** Numbers that are transformed at a time: they stay in the cache. */
const BLOCK = 2 ** 13;

/** The bit patterns in an array's memory. */
const patterns = (values: WeightBits): StoredBits =>
  values instanceof Float32Array ? new Uint32Array(values.buffer, values.byteOffset, values.length) : values;

const tables = new Map<string, StoredBits>();

/** Every pattern of 16 bits as another type has it. */
function tableOf(from: Exclude<StoredFloat, "F32">, to: FloatType): StoredBits {
  const key = `${from} ${to}`;
  const known = tables.get(key);
  if (known) return known;
  const wide = Uint32Array.from({ length: 2 ** 16 }, (_, bits) =>
    from === "F16" ? fromHalf(bits) : bits << 16,
  );
  const table = to === "float32" ? wide : new Uint16Array(wide.length);
  if (table !== wide) NARROW[to](wide, table as Uint16Array, 0);
  tables.set(key, table);
  return table;
}

/** IEEE 754 binary16 as the pattern of a float32, which holds each one exactly. */
function fromHalf(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent > 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // Subnormal: fraction · 2^−24, its highest bit at position 31 − clz32.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}

/** A float32's pattern as IEEE 754 binary16; NaN stays one. */
function toHalf(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65536 and more
  // Normal: the exponent's bias falls by 112; a carry out of the fraction is right, up to infinity.
  if (magnitude >= 0x38800000)
    return sign | ((magnitude - 0x38000000 + 0x0fff + ((magnitude >>> 13) & 1)) >>> 13);
  if (magnitude < 0x33000000) return sign; // below 2^−25, half of the least
  const shift = 126 - (magnitude >>> 23);
  const fraction = (magnitude & 0x7fffff) | 0x800000;
  const kept = fraction >>> shift;
  const rest = fraction & ((1 << shift) - 1);
  const half = 1 << (shift - 1);
  return sign | (kept + (rest > half || (rest === half && (kept & 1) === 1) ? 1 : 0));
}

/** A float32's pattern as bfloat16, its upper half; NaN stays one. */
function toBrain(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return ((bits | 0) + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
