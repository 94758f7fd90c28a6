import { ops, type Value } from "../../graph/index.js";
import type { Decoder } from "../decoder.js";
import { decayRate, fanIn, logCount, nearOne, normal, timeStepBias } from "../init.js";
import { causalConv } from "./causal-conv.js";

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

/**
 * The inside of a Mamba-1 mixer, from [batch, inner, tokens] and a gate [batch, tokens, inner] to [batch, tokens, inner]:
 * convolution, then S_t = exp(Δ_t A) S_{t−1} + Δ_t B_t x_t, y_t = C_t S_t + D x_t for every channel,
 * A = −exp(A_log) [channels, state], and the gate. As a gated linear attention every channel is a head with d_k = state and
 * d_v = 1. Source: Gu & Dao, arXiv 2312.00752.
 */
export function selectiveScan(
  model: Decoder,
  layer: number,
  { before, gate }: { before: Value; gate: Value },
  { inner, state, rank, convWidth, prefix, suffix = "", normEps }: SelectiveScanShape,
): Value {
  const { graph } = model;
  const { dtype } = model.options;
  const named = (tensor: string, kind = ""): string => `${prefix}.${tensor}${suffix}${kind}`;
  const norm = (x: Value, part: string): Value =>
    normEps === undefined
      ? x
      : ops.rmsNorm(
          x,
          model.parameter(`${prefix}.${part}_layernorm.weight`, [Number(x.shape[2])], nearOne),
          normEps,
        );

  const x = causalConv(model, layer, prefix, before, convWidth);
  const selection = model.parameter(named("x_proj", ".weight"), [rank + 2 * state, inner], fanIn(inner));
  const [low, b, c] = ops.split(ops.linear(x, selection), [rank, state, state]) as [Value, Value, Value];
  const raw = ops.linear(
    norm(low, "dt"),
    model.parameter(named("dt_proj", ".weight"), [inner, rank], normal(0.1 / Math.sqrt(rank))),
  );
  const dtBias = model.parameter(named("dt_proj", ".bias"), [inner], timeStepBias, { dtype: "float32" });
  const rates = { dtype: "float32", transform: decayRate } as const;
  const a = model.parameter(named("A_log"), [inner, state], logCount(state), rates);
  const skip = model.parameter(named("D"), [inner], nearOne);

  return graph.scope("ssm", () => {
    const step = ops.softplus(ops.add(ops.cast(raw, "float32"), dtBias));
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
