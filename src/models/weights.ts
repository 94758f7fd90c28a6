import { Float16Array } from "@petamoriken/float16";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { elements, type FloatType } from "../graph/index.js";
import type { Part, WeightSpec } from "./decoder.js";

/** Bit patterns of a weight, ready to be bound as a tensor. */
export type WeightBits = Float32Array | Uint16Array;

/** Prime, so that rows of no matrix repeat each other. */
const TILE = 1_048_583;

/**
 * Seeded random weights. Normal numbers are drawn once, as a tile; each tensor is the tile from its own offset on,
 * scaled: a 3 GB model takes seconds, every byte is distinct memory, and the same seed gives the same bytes anywhere.
 */
export class RandomWeights {
  readonly #tile: Float64Array;
  readonly #scaled = new Map<string, WeightBits>();

  constructor(readonly seed: number) {
    this.#tile = standardNormals(TILE, seed);
  }

  /** Writes the weight's values into `out`, which holds exactly its elements. */
  fill(spec: WeightSpec, out: WeightBits): void {
    fillParts(spec, out, (part, into) => {
      this.#fillPart(part, spec.dtype, into);
    });
  }

  #fillPart({ name, init, transform }: Part, dtype: FloatType, out: WeightBits): void {
    if (init.kind === "formula") {
      const at = transform
        ? (i: number) => transform(init.at(i, out.length), i)
        : (i: number) => init.at(i, out.length);
      out.set(
        toBits(
          Float64Array.from(out, (_, i) => at(i)),
          dtype,
        ),
      );
      return;
    }
    const offset = hash(name, this.seed);
    const tile = this.#scaledTile(init.std, init.mean, dtype);
    for (let at = 0, from = offset % TILE; at < out.length; from = 0) {
      const piece = tile.subarray(from, Math.min(TILE, from + out.length - at));
      out.set(piece, at);
      at += piece.length;
    }
  }

  #scaledTile(std: number, mean: number, dtype: FloatType): WeightBits {
    const key = `${dtype} ${std} ${mean}`;
    let tile = this.#scaled.get(key);
    if (!tile) {
      tile = toBits(
        this.#tile.map((z) => z * std + mean),
        dtype,
      );
      this.#scaled.set(key, tile);
    }
    return tile;
  }
}

/** Writes a weight's values into `out`, part by part; those of a table are computed. */
export function fillParts(
  spec: WeightSpec,
  out: WeightBits,
  fillPart: (part: Part, into: WeightBits) => void,
): void {
  if (spec.role === "table") {
    out.set(toBits(spec.fill(), spec.dtype));
    return;
  }
  let start = 0;
  for (const part of spec.parts) {
    const count = elements(part.shape);
    fillPart(part, out.subarray(start, start + count));
    start += count;
  }
}

/** Numbers as the bit patterns of a float type, rounded to nearest even. */
export function toBits(values: Float32Array | Float64Array, dtype: FloatType): WeightBits {
  if (dtype === "float32") return values instanceof Float32Array ? values : Float32Array.from(values);
  if (dtype === "float16") return new Uint16Array(new Float16Array(values).buffer);
  const wide = new Uint32Array(Float32Array.from(values).buffer);
  return Uint16Array.from(wide, (bits) => (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
}

/** Numbers from the bit patterns of a float type; a copy for all but float32. */
export function fromBits(bits: WeightBits, dtype: FloatType): Float32Array {
  if (bits instanceof Float32Array) return bits;
  if (dtype === "float16")
    return Float32Array.from(new Float16Array(bits.buffer, bits.byteOffset, bits.length));
  return new Float32Array(Uint32Array.from(bits, (value) => value << 16).buffer);
}

/** Box–Muller. */
function standardNormals(count: number, seed: number): Float64Array {
  const random = xoroshiro128plus(seed);
  const out = new Float64Array(count);
  for (let i = 0; i < count; i += 2) {
    const radius = Math.sqrt(-2 * Math.log1p(-uniformFloat64(random)));
    const angle = 2 * Math.PI * uniformFloat64(random);
    out[i] = radius * Math.cos(angle);
    if (i + 1 < count) out[i + 1] = radius * Math.sin(angle);
  }
  return out;
}

/** FNV-1a of a name and a seed. */
function hash(name: string, seed: number): number {
  let h = 0x811c9dc5 ^ seed;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
