import { mayMatch, type Value } from "../builder.js";
import { formatShape } from "../types.js";
import { fail, needShape, needType, sameType } from "./check.js";

/**
 * A matrix [out, in] whose rows are cut into blocks: an element is (code − 2^(bits − 1)) · the scale of its block.
 */
export interface QuantizedMatrix {
  /** uint8 [out, blocks, block · bits / 8]: codes, the first in the lowest bits; the last block of a row is padded. */
  readonly packed: Value;
  /** [out, blocks], in the type of the activations. */
  readonly scales: Value;
  /** Elements of a row: in. */
  readonly width: number;
  readonly bits: 4 | 8;
  readonly block: number;
  /** On the CPU: 0 computes in the activations' type, 4 rounds each block of the activations to int8. CUDA ignores it. */
  readonly accuracyLevel: 0 | 4;
}

/** Whether a weight is held in few bits. */
export const isQuantized = (weight: Value | QuantizedMatrix): weight is QuantizedMatrix => "packed" in weight;

/** x Wᵀ for a quantised W [out, in] (com.microsoft MatMulNBits, without zero points: they are 2^(bits − 1)). */
export function matMulNBits(x: Value, weight: QuantizedMatrix): Value {
  const op = "MatMulNBits";
  const { packed, scales, width, bits, block, accuracyLevel } = weight;
  const dtype = sameType(op, x, scales);
  needType(op, packed, "uint8");
  if (!mayMatch(x.shape.at(-1) ?? "", width))
    fail([x], `${op} cannot multiply "${x.name}" ${formatShape(x.shape)} by rows of ${width}`);
  const rows = Number(packed.shape[0]);
  const blocks = Math.ceil(width / block);
  needShape(op, "codes", packed, [rows, blocks, (block * bits) / 8]);
  needShape(op, "scales", scales, [rows, blocks]);
  return x.graph.node(op, [x, packed, scales], [{ dtype, shape: [...x.shape.slice(0, -1), rows] }], {
    domain: "com.microsoft",
    attributes: { K: width, N: rows, bits, block_size: block, accuracy_level: accuracyLevel },
  })[0]!;
}
