import { ops, type Value } from "../../graph/index.js";
import type { Decoder } from "../decoder.js";
import { bias, normal } from "../init.js";

/**
 * The depthwise convolution and SiLU in front of an SSM, from [batch, channels, tokens] to [batch, tokens, channels], with
 * its state carried.
 * `width` − 1 input columns are kept, oldest first.
 */
export function causalConv(model: Decoder, layer: number, prefix: string, x: Value, width: number): Value {
  return model.graph.scope("conv", () => {
    const channels = Number(x.shape[1]);
    const state = model.cache("conv", layer, [channels, width - 1]);
    const { output, present } = ops.causalConv(
      x,
      model.parameter(`${prefix}.conv1d.weight`, [channels, 1, width], normal(1 / Math.sqrt(width))),
      model.parameter(`${prefix}.conv1d.bias`, [channels], bias),
      state.past,
    );
    state.carry(present);
    return ops.transpose(output, [0, 2, 1]);
  });
}
