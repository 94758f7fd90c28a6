import { elements, type DType } from "../graph/index.js";
import type { ParameterSpec, WeightSpec } from "./decoder.js";

/**
 * Block-wise symmetric quantisation of matrices, rounded to nearest, in the layout of ONNX Runtime's MatMulNBits and with
 * the values of its own quantiser (`onnxruntime.quantization.matmul_nbits_quantizer`, symmetric): the element of a block
 * that is furthest from 0 becomes code 0, so its scale is that element / −2^(bits − 1), and may be negative (as Q4_0 of
 * llama.cpp). An element is (code − 2^(bits − 1)) · scale.
 */
export interface Quantization {
  readonly bits: 4 | 8;
  /** Elements of a row that share a scale. */
  readonly block: number;
}

/** Blocks of a row of `width` elements, the last one filled up with zeros. */
export const blocksOf = (width: number, { block }: Quantization): number => Math.ceil(width / block);

/** Bytes of a block's codes. */
export const blockBytes = ({ bits, block }: Quantization): number => (block * bits) / 8;

/** A tensor of a graph, and of the device. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** What holds a weight: one tensor, or the codes and the scales of a quantised matrix. */
export function storedTensors(spec: WeightSpec): StoredTensor[] {
  const { name, dtype, shape } = spec;
  if (spec.role === "table" || !spec.quantized) return [{ name, dtype, shape }];
  const { quantized } = spec;
  const [rows, width] = shape as [number, number];
  const blocks = blocksOf(width, quantized);
  return [
    { name: `${name}.int${quantized.bits}`, dtype: "uint8", shape: [rows, blocks, blockBytes(quantized)] },
    { name: `${name}.scales`, dtype, shape: [rows, blocks] },
  ];
}

/**
 * Quantises a weight a tensor of the checkpoint at a time, so that no more than the largest is held in float32.
 *
 * @param fill writes the values of a weight, as `WeightSource.fill`
 * @param packed gets the codes
 * @returns the scales
 */
export function quantizeWeight(
  spec: ParameterSpec & { readonly quantized: Quantization },
  fill: (part: ParameterSpec, values: Float32Array) => void,
  packed: Uint8Array,
): Float32Array {
  const { quantized, rows, ...plain } = spec;
  const [count, width] = spec.shape as [number, number];
  const blocks = blocksOf(width, quantized);
  const bytes = blocks * blockBytes(quantized);
  const scales = new Float32Array(count * blocks);
  const scratch = new Float32Array(Math.max(...spec.parts.map(({ shape }) => elements(shape))));
  let from = 0;
  for (const part of spec.parts) {
    const to = from + part.shape[0]!;
    const values = scratch.subarray(0, elements(part.shape));
    fill({ ...plain, dtype: "float32", shape: part.shape, parts: [part] }, values);
    quantizeRows(
      values,
      width,
      quantized,
      packed.subarray(from * bytes, to * bytes),
      scales.subarray(from * blocks, to * blocks),
    );
    from = to;
  }
  return scales;
}

/**
 * Quantises rows of `width` elements.
 *
 * @param packed codes, `blocksOf` · `blockBytes` a row
 * @param scales one a block
 */
export function quantizeRows(
  values: Float32Array,
  width: number,
  quantization: Quantization,
  packed: Uint8Array,
  scales: Float32Array,
): void {
  const { block } = quantization;
  const pack = quantization.bits === 4 ? packNibbles : packBytes;
  const bytes = blockBytes(quantization);
  const half = 2 ** (quantization.bits - 1);
  let at = 0;
  for (let row = 0; row < values.length; row += width)
    for (let start = row; start < row + width; start += block, at++) {
      const end = Math.min(start + block, row + width);
      const scale = Math.fround(furthest(values, start, end) / -half);
      scales[at] = scale;
      pack(values, start, end, scale, packed, at * bytes, (at + 1) * bytes);
    }
}

/** The element of values[start..end) with the largest magnitude; of two the negative one, as in ONNX Runtime. */
function furthest(values: Float32Array, start: number, end: number): number {
  let low = 0;
  let high = 0;
  for (let i = start; i < end; i++) {
    low = Math.min(low, values[i]!);
    high = Math.max(high, values[i]!);
  }
  return high > -low ? high : low;
}

// Both write the codes of values[start..end) to packed[to..last), the rest of which becomes zeros whatever a kernel
// multiplies them by. They compute in float32, as ONNX Runtime does: doubles would round the other way here and there.
// Nothing is negative, so that cutting off after adding a half rounds to nearest.

type Pack = (
  values: Float32Array,
  start: number,
  end: number,
  scale: number,
  packed: Uint8Array,
  to: number,
  last: number,
) => void;

/** Two codes a byte, the first in the lower half. */
const packNibbles: Pack = (values, start, end, scale, packed, to, last) => {
  const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
  let i = start;
  for (; i + 1 < end; i += 2) {
    const low = (Math.fround(Math.fround(values[i]! * inverse) + 8) + 0.5) | 0;
    const high = (Math.fround(Math.fround(values[i + 1]! * inverse) + 8) + 0.5) | 0;
    packed[to++] = Math.min(low, 15) | (Math.min(high, 15) << 4);
  }
  if (i < end) {
    const low = (Math.fround(Math.fround(values[i]! * inverse) + 8) + 0.5) | 0;
    packed[to++] = Math.min(low, 15) | 0x80;
  }
  if (to < last) packed.fill(0x88, to, last);
};

const packBytes: Pack = (values, start, end, scale, packed, to, last) => {
  const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
  for (let i = start; i < end; i++) {
    const code = (Math.fround(Math.fround(values[i]! * inverse) + 128) + 0.5) | 0;
    packed[to++] = Math.min(code, 255);
  }
  if (to < last) packed.fill(0x80, to, last);
};

/** What `quantizeRows` kept of rows of `width` elements. */
export function dequantizeRows(
  packed: Uint8Array,
  scales: Float32Array,
  width: number,
  quantization: Quantization,
  values: Float32Array,
): void {
  const { bits, block } = quantization;
  const bytes = blockBytes(quantization);
  const half = 2 ** (bits - 1);
  let at = 0;
  for (let row = 0; row < values.length; row += width)
    for (let start = row; start < row + width; start += block, at++) {
      const end = Math.min(start + block, row + width);
      const scale = scales[at]!;
      for (let i = start; i < end; i++) {
        const byte = packed[at * bytes + (((i - start) * bits) >> 3)]!;
        const code = bits === 8 ? byte : (i - start) % 2 === 0 ? byte & 15 : byte >> 4;
        values[i] = (code - half) * scale;
      }
    }
}
