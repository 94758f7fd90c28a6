import { graphOf, type Value } from "../builder.js";
import { elements, type Dim } from "../types.js";
import { fail, needShape, needType, sameType } from "./check.js";

/** The domain of our own operators: src/ort/ops computes them. */
export const FUSED_DOMAIN = "ssm.scope";

/** Channels of a value [batch, tokens, channels] from `offset` on: operators take as many as they need, where they lie. */
export interface Section {
  readonly of: Value;
  readonly offset: number;
}

interface Result {
  readonly output: Value;
  readonly present: Value;
}

/** Causal depthwise convolution over time with carried state, then SiLU: `causalConv` with the channels last. */
export function fusedCausalConv(x: Section, weight: Value, bias: Value, past: Value): Result {
  const op = "CausalConv";
  sameType(op, x.of, weight, bias, past);
  const channels = weight.shape[0]!;
  const width = Number(weight.shape[2]);
  needShape(op, "a weight", weight, [channels, 1, "width"]);
  if (!(width >= 1 && width <= 4)) fail([weight], `${op} needs a width of 1 to 4, but got ${width}`);
  needElements(op, "a bias", bias, Number(channels));
  needShape(op, "a past state", past, ["batch", channels, width - 1]);
  needSection(op, "x", x, Number(channels));
  return node(op, { x }, [weight, bias, past], channels, {});
}

/** What a scan over the tokens reads. */
export interface ScanInputs {
  readonly x: Section;
  /** Δ before its bias and softplus. */
  readonly step: Section;
  readonly b: Section;
  readonly c: Section;
  /** float32, as `a` and `past`. */
  readonly stepBias: Value;
  /** What the recurrence decays by: exp(Δ a). */
  readonly a: Value;
  /** D. */
  readonly skip: Value;
  readonly past: Value;
  /** What SiLU of multiplies the result. */
  readonly gate?: Section;
}

/**
 * Mamba-1 in each channel: Δ = softplus(step + stepBias), S_t = exp(Δ_t a) S_{t−1} + Δ_t x_t b_t, y_t = c_t S_t + skip x_t.
 * a [channels, state]; past [batch, channels, state].
 */
export function selectiveScan(inputs: ScanInputs): Result {
  const op = "SelectiveScan";
  const { x, step, b, c, stepBias, a, skip, past, gate } = inputs;
  const [channels, state] = [Number(a.shape[0]), Number(a.shape[1])];
  needScan(op, inputs);
  needElements(op, "a bias of the steps", stepBias, channels);
  needShape(op, "rates", a, [channels, state]);
  needElements(op, "a skip", skip, channels);
  needShape(op, "a past state", past, ["batch", channels, state]);
  for (const [name, section, width] of [
    ["x", x, channels],
    ["step", step, channels],
    ["b", b, state],
    ["c", c, state],
  ] as const)
    needSection(op, name, section, width);
  if (gate) needSection(op, "gate", gate, channels);
  return node(op, { x, step, b, c }, [stepBias, a, skip, past], channels, {}, gate);
}

/** RMSNorm of the channels of each group, of what the gate has multiplied or before it does. */
export interface ScanNorm {
  readonly weight: Value;
  readonly eps: number;
  readonly beforeGate: boolean;
}

/**
 * Mamba-2 in each head: Δ = softplus(step + stepBias), S_t = exp(Δ_t a) S_{t−1} + b_t ⊗ Δ_t x_t, y_t = c_t S_t + skip x_t;
 * then gate and norm. stepBias, a, skip [heads]; past [batch, heads, state, headDim]; b and c [.., groups · state].
 */
export function ssdScan(inputs: ScanInputs, groups: number, norm?: ScanNorm): Result {
  const op = "SsdScan";
  const { x, step, b, c, stepBias, a, skip, past, gate } = inputs;
  const heads = Number(a.shape[0]);
  const [state, headDim] = [Number(past.shape[2]), Number(past.shape[3])];
  const inner = heads * headDim;
  needScan(op, inputs);
  needShape(op, "a past state", past, ["batch", heads, state, headDim]);
  for (const [what, value] of [
    ["a bias of the steps", stepBias],
    ["rates", a],
    ["a skip", skip],
  ] as const)
    needElements(op, what, value, heads);
  if (heads % groups !== 0)
    fail([a], `${op} needs heads in whole groups, but got ${heads} heads and ${groups} groups`);
  for (const [name, section, width] of [
    ["x", x, inner],
    ["step", step, heads],
    ["b", b, groups * state],
    ["c", c, groups * state],
  ] as const)
    needSection(op, name, section, width);
  if (gate) needSection(op, "gate", gate, inner);
  const attributes = norm
    ? { groups, norm: norm.beforeGate ? 2 : 1, norm_epsilon: { float: norm.eps } }
    : { groups };
  if (norm) {
    sameType(op, x.of, norm.weight);
    needElements(op, "a norm weight", norm.weight, inner);
  }
  return node(op, { x, step, b, c }, [stepBias, a, skip, past], inner, attributes, gate, norm?.weight);
}

/**
 * RMSNorm of stream + delta, in delta's type, and their sum: the stream stays float32, and nothing is cast on the way.
 * delta, stream [batch, tokens, channels]; stream and weight float32.
 */
export function residualNorm(
  delta: Value,
  stream: Value,
  weight: Value,
  eps: number,
): { normed: Value; sum: Value } {
  const op = "ResidualNorm";
  for (const value of [stream, weight]) needType(op, value, "float32");
  needShape(op, "a stream", stream, ["batch", "tokens", "channels"]);
  needShape(op, "a delta", delta, stream.shape);
  needShape(op, "a weight", weight, [stream.shape[2]!]);
  const [normed, sum] = graphOf([delta, stream, weight]).node(op, [delta, stream, weight], [delta, stream], {
    domain: FUSED_DOMAIN,
    attributes: { epsilon: { float: eps } },
  });
  return { normed: normed!, sum: sum! };
}

/** x Wᵀ (+ bias), as `linear`, made for few rows of x [..., in]. W [out, in]. */
export function fusedLinear(x: Value, weight: Value, bias?: Value): Value {
  const op = "Linear";
  sameType(op, x, weight, ...(bias ? [bias] : []));
  needShape(op, "a weight", weight, ["out", x.shape.at(-1)!]);
  const out = weight.shape[0]!;
  if (bias) needShape(op, "a bias", bias, [out]);
  const output = { dtype: x.dtype, shape: [...x.shape.slice(0, -1), out] };
  return graphOf([x, weight]).node(op, bias ? [x, weight, bias] : [x, weight], [output], {
    domain: FUSED_DOMAIN,
  })[0]!;
}

function needScan(op: string, { x, step, b, c, stepBias, a, skip, past, gate }: ScanInputs): void {
  sameType(op, x.of, step.of, b.of, c.of, skip, ...(gate ? [gate.of] : []));
  for (const value of [stepBias, a, past]) needType(op, value, "float32");
}

/** Whatever the dimensions: other lowerings hold the same weights by group. */
function needElements(op: string, what: string, value: Value, count: number): void {
  if (elements(value.shape.map(Number)) !== count)
    fail(
      [value],
      `${op} needs ${what} of ${count} elements, but got "${value.name}" [${value.shape.join(", ")}]`,
    );
}

function needSection(op: string, name: string, { of, offset }: Section, width: number): void {
  needShape(op, name, of, ["batch", "tokens", "channels"]);
  const channels = of.shape[2]!;
  if (typeof channels === "number" && offset + width > channels)
    fail(
      [of],
      `${op} needs ${width} channels of ${name} from ${offset} on, but "${of.name}" has ${channels}`,
    );
}

/** Adds the node: sections first, each with its offset as an attribute; optional inputs last, as ORT leaves out only those. */
function node(
  op: string,
  sections: Readonly<Record<string, Section>>,
  inputs: readonly Value[],
  channels: Dim,
  attributes: Readonly<Record<string, number | { readonly float: number }>>,
  gate?: Section,
  normWeight?: Value,
): Result {
  const [first] = Object.values(sections) as [Section];
  const past = inputs.at(-1)!;
  const optional = normWeight ? [gate?.of ?? null, normWeight] : gate ? [gate.of] : [];
  const offsets = Object.entries({ ...sections, ...(gate && { gate }) }).map(
    ([name, { offset }]) => [`${name}_offset`, offset] as const,
  );
  const all = [...Object.values(sections).map(({ of }) => of), ...inputs, ...optional];
  const [output, present] = graphOf(all).node(
    op,
    all,
    [{ dtype: first.of.dtype, shape: [first.of.shape[0]!, first.of.shape[1]!, channels] }, past],
    { domain: FUSED_DOMAIN, attributes: { ...Object.fromEntries(offsets), ...attributes } },
  );
  return { output: output!, present: present! };
}
