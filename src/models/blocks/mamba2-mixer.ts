import { ops, type Value } from "../../graph/index.js";
import type { Decoder, Held, Part } from "../decoder.js";
import { decayRate, fanIn, logSpread, nearOne, timeStepBias, type Init } from "../init.js";
import { causalConv, fusedCausalConv } from "./causal-conv.js";
import { rowsTimes, times } from "./multiplier.js";
import { ssdLinearAttention, ssdMatmul } from "./ssd.js";

export interface Mamba2Shape {
  /** Width of the hidden states; `heads` · `headDim` inside need not be a multiple of it. */
  readonly width: number;
  readonly heads: number;
  readonly headDim: number;
  readonly groups: number;
  readonly state: number;
  readonly convWidth: number;
  /** RMSNorm of the result, each group on its own: of what the gate has multiplied, or before it does. null: none. */
  readonly norm: { readonly eps: number; readonly beforeGate: boolean } | null;
  /** Default: all 1. */
  readonly multipliers?: Mamba2Multipliers;
}

/** Constants (μP) that results of the projections are multiplied by. */
export interface Mamba2Multipliers {
  /** Of the input projection's gate, inputs, input directions, output directions and Δ: all before the convolution. */
  readonly z: number;
  readonly x: number;
  readonly b: number;
  readonly c: number;
  readonly step: number;
  /** Of the output projection. */
  readonly out: number;
}

const NO_MULTIPLIERS: Mamba2Multipliers = { z: 1, x: 1, b: 1, c: 1, step: 1, out: 1 };

/**
 * The mixer of Mamba-2, from normed hidden states [batch, tokens, width] to what is added to the residual stream:
 * S_t = exp(Δ_t A) S_{t−1} + B_t ⊗ Δ_t x_t, y_t = C_t S_t + D x_t, with A, D, Δ one number a head.
 * Source: Dao & Gu, arXiv 2405.21060.
 *
 * @param prefix of the tensors' names
 */
export function mamba2Mixer(
  model: Decoder,
  layer: number,
  prefix: string,
  u: Value,
  shape: Mamba2Shape,
): Value {
  const { width, heads, headDim, groups, state, multipliers = NO_MULTIPLIERS } = shape;
  const inner = heads * headDim;
  const directions = groups * state;
  const parameter = (name: string, dims: number[], init: Init, held?: Held): Value =>
    model.parameter(`${prefix}.${name}`, dims, init, held);

  const sections = [
    { rows: inner, multiplier: multipliers.z },
    { rows: inner, multiplier: multipliers.x },
    { rows: directions, multiplier: multipliers.b },
    { rows: directions, multiplier: multipliers.c },
    { rows: heads, multiplier: multipliers.step },
  ];
  const block: Block = {
    ...{ shape, layer, prefix },
    projection: {
      name: `${prefix}.in_proj.weight`,
      shape: [sections.reduce((sum, { rows }) => sum + rows, 0), width],
      init: fanIn(width),
      ...rowsTimes(sections, width),
    },
    stepBias: parameter("dt_bias", [heads], timeStepBias, { dtype: "float32" }),
    a: parameter("A_log", [heads], logSpread, { dtype: "float32", transform: decayRate }),
    skip: parameter("D", [heads], nearOne, { shape: [groups, heads / groups, 1] }),
  };
  const y = (model.options.lowering === "fused" ? fused : stock)(model, block, u);
  const out = `${prefix}.out_proj.weight`;
  return model.linear(y, model.matrix(out, [width, inner], fanIn(inner), times(multipliers.out)));
}

/** What the ways to compute a layer have in common. */
interface Block {
  readonly shape: Mamba2Shape;
  readonly layer: number;
  readonly prefix: string;
  /** Rows: gate, x, b, c, Δ. */
  readonly projection: Part;
  readonly stepBias: Value;
  readonly a: Value;
  readonly skip: Value;
}

function stock(model: Decoder, block: Block, u: Value): Value {
  const { shape, layer, prefix, projection, stepBias, a, skip } = block;
  const { heads, headDim, groups, state } = shape;
  const { graph } = model;
  const { lowering, tokensMultipleOf } = model.options;
  const inner = heads * headDim;
  const directions = groups * state;
  const outputs = [{ rows: inner }, { rows: inner + 2 * directions, channelsFirst: true }, { rows: heads }];
  const [gate, before, raw] = model.products(u, projection.name, [projection], outputs) as [
    Value,
    Value,
    Value,
  ];
  const mixed = causalConv(model, layer, prefix, before, shape.convWidth);
  const [x, b, c] = ops.split(mixed, [inner, directions, directions]) as [Value, Value, Value];

  const y = graph.scope("ssm", () => {
    const step = ops.softplus(ops.add(ops.cast(raw, "float32"), stepBias));
    const logDecay = ops.mul(step, a);
    const cache = model.cache("ssm", layer, [heads, state, headDim]);
    const recurrence = lowering === "ssd-matmul" ? ssdMatmul : ssdLinearAttention;
    const { output, present } = recurrence(
      { x, step, logDecay, b, c, skip, past: cache.past },
      { heads, headDim, groups, state, tokensMultipleOf },
    );
    cache.carry(present);
    return output;
  });
  return graph.scope("gate", () => {
    const opened = ops.silu(gate);
    if (!shape.norm) return ops.mul(y, opened);
    const { eps, beforeGate } = shape.norm;
    const weight = normWeight(model, prefix, inner, groups);
    const norm = (values: Value): Value => groupNorm(model, weight, values, groups, eps);
    return beforeGate ? ops.mul(norm(y), opened) : norm(ops.mul(y, opened));
  });
}

/** By our own operators, which read their sections of the products where they lie; gate and norm are the scan's. */
function fused(model: Decoder, block: Block, u: Value): Value {
  const { shape, layer, prefix, projection, stepBias, a, skip } = block;
  const { heads, headDim, groups, state, norm } = shape;
  const inner = heads * headDim;
  const directions = groups * state;
  const convolved = inner + 2 * directions;
  const packed = model.linear(u, model.stacked(projection.name, [projection]));
  const before = { of: packed, offset: inner };
  const mixed = fusedCausalConv(model, layer, prefix, before, convolved, shape.convWidth);
  return model.graph.scope("ssm", () => {
    const cache = model.cache("ssm", layer, [heads, state, headDim], { dtype: "float32" });
    const { output, present } = ops.ssdScan(
      {
        x: { of: mixed, offset: 0 },
        b: { of: mixed, offset: inner },
        c: { of: mixed, offset: inner + directions },
        step: { of: packed, offset: inner + convolved },
        gate: { of: packed, offset: 0 },
        ...{ stepBias, a, skip, past: cache.past },
      },
      groups,
      norm ? { weight: normWeight(model, prefix, inner, groups), ...norm } : undefined,
    );
    cache.carry(present);
    return output;
  });
}

/** Held by group where there are several. */
const normWeight = (model: Decoder, prefix: string, channels: number, groups: number): Value =>
  model.parameter(
    `${prefix}.norm.weight`,
    [channels],
    nearOne,
    groups === 1 ? {} : { shape: [groups, channels / groups] },
  );

/** RMSNorm of [batch, tokens, channels], each of the groups of channels on its own. */
function groupNorm(model: Decoder, weight: Value, values: Value, groups: number, eps: number): Value {
  const { graph } = model;
  const channels = Number(values.shape[2]);
  if (groups === 1) return ops.rmsNorm(values, weight, eps);
  const perGroup = channels / groups;
  const apart = ops.reshape(values, [0, 0, groups, perGroup]);
  const ones = ops.cast(
    graph.constant("float32", [perGroup], Array<number>(perGroup).fill(1)),
    model.options.dtype,
  );
  return ops.reshape(ops.mul(ops.rmsNorm(apart, ones, eps), weight), [0, 0, channels]);
}
