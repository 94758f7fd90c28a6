import {
  buildModel,
  dequantizeRows,
  fromBits,
  quantizeRows,
  storedTensors,
  toBits,
  type ParameterSpec,
  type Quantization,
} from "../../models/index.js";
import { elements } from "../../graph/index.js";
import { graphOptions } from "../graph-options.js";
import type { WeightSource } from "../weight-store.js";
import type { Setting } from "./setting.js";

/**
 * Weights whose linear layers have the values that a quantised setting's stand for: with them float32 is its reference.
 * How far they are from those of `source` is the quantisation's own error, which no kernel can help.
 */
export function dequantized(source: WeightSource, setting: Setting): WeightSource {
  const { weights } = buildModel(
    setting.model,
    graphOptions(setting, "decode", { logits: "last", positions: 1, tokensMultipleOf: 1 }),
  );
  const quantized = new Map(
    weights.flatMap((spec) =>
      spec.role === "parameter" && spec.quantized
        ? [[spec.name, { ...spec, quantized: spec.quantized }]]
        : [],
    ),
  );
  return {
    fill: (spec, out) => {
      source.fill(spec, out);
      const held = quantized.get(spec.name);
      if (held) roundTrip(held, out as Float32Array);
    },
  };
}

/** Quantises values and puts in their place what was kept of them, with scales of the type they are held in. */
function roundTrip(spec: ParameterSpec & { quantized: Quantization }, values: Float32Array): void {
  const width = spec.shape[1]!;
  const [packed, scales] = storedTensors(spec).map(({ shape }) => elements(shape)) as [number, number];
  const codes = new Uint8Array(packed);
  const found = new Float32Array(scales);
  quantizeRows(values, width, spec.quantized, codes, found);
  dequantizeRows(codes, fromBits(toBits(found, spec.dtype), spec.dtype), width, spec.quantized, values);
}
