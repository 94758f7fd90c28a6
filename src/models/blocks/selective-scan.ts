import { ops, type Section, type Value } from "../../graph/index.js";
import type { Decoder, Output } from "../decoder.js";
import { decayRate, fanIn, logCount, nearOne, normal, timeStepBias } from "../init.js";
import { causalConv, fusedCausalConv } from "./causal-conv.js";

export interface SelectiveScanShape {
  readonly inner: number;
  readonly state: number;
  /** Of the projection that Δ is made from. */
  readonly rank: number;
  readonly convWidth: number;
  /** Tensors' names: the mixer's prefix, and what an architecture writes after that of a layer of the mixer. */
  readonly prefix: string;
  readonly suffix?: string;
  /** eps of an RMSNorm each of Δ's low-rank form, of the input and of the output directions. Default: none. */
  readonly normEps?: number;
}

/** What the input projection has to give the scan, as its last outputs. */
export const scanOutputs = ({ options }: Decoder, inner: number): Output[] =>
  options.lowering === "fused"
    ? [{ rows: 2 * inner }]
    : [{ rows: inner, channelsFirst: true }, { rows: inner }];

/**
 * The inside of a Mamba-1 mixer, from what is to be convolved and the gate to [batch, tokens, inner]: convolution, then
 * S_t = exp(Δ_t A) S_{t−1} + Δ_t B_t x_t, y_t = C_t S_t + D x_t for every channel, A = −exp(A_log) [channels, state], and the
 * gate. Source: Gu & Dao, arXiv 2312.00752.
 *
 * @param projected what `scanOutputs` asked for
 */
export function selectiveScan(
  model: Decoder,
  layer: number,
  projected: readonly Value[],
  shape: SelectiveScanShape,
): Value {
  const { inner, state, rank, prefix, suffix = "" } = shape;
  const named = (tensor: string, kind = ""): string => `${prefix}.${tensor}${suffix}${kind}`;
  const block: Block = {
    ...{ layer, shape },
    selection: model.parameter(named("x_proj", ".weight"), [rank + 2 * state, inner], fanIn(inner)),
    stepWeight: model.parameter(named("dt_proj", ".weight"), [inner, rank], normal(0.1 / Math.sqrt(rank))),
    stepBias: model.parameter(named("dt_proj", ".bias"), [inner], timeStepBias, { dtype: "float32" }),
    a: model.parameter(named("A_log"), [inner, state], logCount(state), {
      dtype: "float32",
      transform: decayRate,
    }),
    skip: model.parameter(named("D"), [inner], nearOne),
  };
  const [first, gate] = projected as [Value, Value];
  return model.options.lowering === "fused"
    ? fusedScan(model, block, first)
    : linearAttentionScan(model, block, first, gate);
}

/** What the ways to compute it have in common. */
interface Block {
  readonly layer: number;
  readonly shape: SelectiveScanShape;
  /** Rows: Δ before its own projection, B, C. */
  readonly selection: Value;
  readonly stepWeight: Value;
  readonly stepBias: Value;
  readonly a: Value;
  readonly skip: Value;
}

/** As a gated linear attention every channel is a head with d_k = state and d_v = 1. */
function linearAttentionScan(model: Decoder, block: Block, before: Value, gate: Value): Value {
  const { layer, shape, selection, stepWeight, stepBias, a, skip } = block;
  const { inner, state, rank, prefix, convWidth } = shape;
  const { dtype } = model.options;
  const norm = normOf(model, shape);
  const x = causalConv(model, layer, prefix, before, convWidth);
  const [low, b, c] = ops.split(model.linear(x, selection), [rank, state, state]) as [Value, Value, Value];
  const raw = model.linear(norm(low, "dt"), stepWeight);
  return model.graph.scope("ssm", () => {
    const step = ops.softplus(ops.add(ops.cast(raw, "float32"), stepBias));
    const logDecay = ops.cast(ops.reshape(ops.mul(ops.unsqueeze(step, -1), a), [0, 0, inner * state]), dtype);
    const cache = model.cache("ssm", layer, [inner, state, 1]);
    const { output, present } = ops.linearAttention(
      { q: norm(c, "C"), k: norm(b, "B"), v: ops.mul(ops.cast(step, dtype), x), past: cache.past, logDecay },
      { heads: inner, groups: 1 },
    );
    cache.carry(present);
    return ops.mul(ops.add(output, ops.mul(x, skip)), ops.silu(gate));
  });
}

/** By our own operators, which read their sections of the products where they lie. */
function fusedScan(model: Decoder, block: Block, packed: Value): Value {
  const { layer, shape, selection, stepWeight, stepBias, a, skip } = block;
  const { inner, state, rank, prefix, convWidth, normEps } = shape;
  const x = fusedCausalConv(model, layer, prefix, { of: packed, offset: 0 }, inner, convWidth);
  const selected = model.linear(x, selection);
  const norm = normOf(model, shape);
  // A product reads whole rows: of all that is computed only this, the least of it, is copied.
  const low = norm(ops.slice(selected, -1, 0, rank, rank), "dt");
  const directions = (part: "B" | "C", offset: number): Section =>
    normEps === undefined
      ? { of: selected, offset }
      : { of: norm(ops.slice(selected, -1, offset, offset + state, state), part), offset: 0 };
  const step = model.linear(low, stepWeight);
  return model.graph.scope("ssm", () => {
    const cache = model.cache("ssm", layer, [inner, state], { dtype: "float32" });
    const { output, present } = ops.selectiveScan({
      x: { of: x, offset: 0 },
      step: { of: step, offset: 0 },
      b: directions("B", rank),
      c: directions("C", rank + state),
      gate: { of: packed, offset: inner },
      ...{ stepBias, a, skip, past: cache.past },
    });
    cache.carry(present);
    return output;
  });
}

/** RMSNorm of Δ's low-rank form, B or C, where there is one. */
const normOf =
  (model: Decoder, { normEps, prefix }: SelectiveScanShape) =>
  (x: Value, part: "dt" | "B" | "C"): Value =>
    normEps === undefined
      ? x
      : ops.rmsNorm(
          x,
          model.parameter(`${prefix}.${part}_layernorm.weight`, [Number(x.shape[2])], nearOne),
          normEps,
        );
