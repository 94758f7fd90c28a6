import { ops, type Section, type Value } from "../../graph/index.js";
import type { Decoder } from "../decoder.js";
import { bias as convBias, normal } from "../init.js";

/**
 * The depthwise convolution and SiLU in front of an SSM, from [batch, channels, tokens] to [batch, tokens, channels], with
 * its state carried.
 * `width` − 1 input columns are kept, oldest first.
 */
export function causalConv(model: Decoder, layer: number, prefix: string, x: Value, width: number): Value {
  return model.graph.scope("conv", () => {
    const channels = Number(x.shape[1]);
    const { weight, bias, state } = inputsOf(model, layer, prefix, channels, width);
    const { output, present } = ops.causalConv(x, weight, bias, state.past);
    state.carry(present);
    return ops.transpose(output, [0, 2, 1]);
  });
}

/** The same by our own operator: `channels` of [batch, tokens, …], read where they lie. */
export function fusedCausalConv(
  model: Decoder,
  layer: number,
  prefix: string,
  x: Section,
  channels: number,
  width: number,
): Value {
  return model.graph.scope("conv", () => {
    const { weight, bias, state } = inputsOf(model, layer, prefix, channels, width);
    const { output, present } = ops.fusedCausalConv(x, weight, bias, state.past);
    state.carry(present);
    return output;
  });
}

function inputsOf(model: Decoder, layer: number, prefix: string, channels: number, width: number) {
  return {
    weight: model.parameter(`${prefix}.conv1d.weight`, [channels, 1, width], normal(1 / Math.sqrt(width))),
    bias: model.parameter(`${prefix}.conv1d.bias`, [channels], convBias),
    state: model.cache("conv", layer, [channels, width - 1]),
  };
}
