import { type Value } from "../builder.js";
import { needShape, sameType } from "./check.js";

/** x / sqrt(mean(x²) + eps) · weight over the last axis, mean in float32. */
export function rmsNorm(x: Value, weight: Value, eps: number): Value {
  sameType("rmsNorm", x, weight);
  needShape("rmsNorm", "a weight", weight, [x.shape.at(-1)!]);
  return x.graph.node("SimplifiedLayerNormalization", [x, weight], [x], {
    attributes: { axis: -1, epsilon: { float: eps } },
  })[0]!;
}

/** e^x over the sum of e^x along the last axis. */
export function softmax(x: Value): Value {
  return x.graph.node("Softmax", [x], [x], { attributes: { axis: -1 } })[0]!;
}

/** (x − mean) / sqrt(variance + eps) · weight + bias over the last axis. */
export function layerNorm(x: Value, weight: Value, bias: Value, eps: number): Value {
  sameType("layerNorm", x, weight, bias);
  needShape("layerNorm", "a weight", weight, [x.shape.at(-1)!]);
  return x.graph.node("LayerNormalization", [x, weight, bias], [x], {
    attributes: { axis: -1, epsilon: { float: eps } },
  })[0]!;
}

/** The sum of a residual, and its norm. */
export interface SkipNorm {
  readonly normed: Value;
  /** x + skip: the residual stream that goes on. */
  readonly sum: Value;
}

/** rmsNorm(x + skip) and x + skip, in one kernel. */
export function skipRmsNorm(x: Value, skip: Value, weight: Value, eps: number): SkipNorm {
  sameType("skipRmsNorm", x, skip, weight);
  const [normed, , , sum] = x.graph.node(
    "SkipSimplifiedLayerNormalization",
    [x, skip, weight],
    [x, null, null, x],
    {
      domain: "com.microsoft",
      attributes: { epsilon: { float: eps } },
    },
  );
  return { normed: normed!, sum: sum! };
}

/** layerNorm(x + skip) and x + skip, in one kernel. */
export function skipLayerNorm(x: Value, skip: Value, weight: Value, bias: Value, eps: number): SkipNorm {
  sameType("skipLayerNorm", x, skip, weight, bias);
  const [normed, , , sum] = x.graph.node(
    "SkipLayerNormalization",
    [x, skip, weight, bias],
    [x, null, null, x],
    {
      domain: "com.microsoft",
      attributes: { epsilon: { float: eps } },
    },
  );
  return { normed: normed!, sum: sum! };
}
