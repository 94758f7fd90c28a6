/** Inputs for the fused operators, on whatever device, each with what its recurrence makes of them in float64. */
import assert from "node:assert/strict";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { elements, ops, type FloatType, type Value } from "../../src/graph/index.js";
import { fromBits, toBits } from "../../src/models/index.js";
import { compute, type Input, type Node, type Operators } from "./run-operator.js";
import {
  convReference,
  linearReference,
  residualReference,
  selectiveReference,
  ssdReference,
  type Packed,
  type ScanInputs,
} from "./scan-reference.js";

/** Of the largest value: the rounding of the result, and in float32 the order of the sums and a polynomial for exp. */
const TOLERANCE: Record<FloatType, number> = { float32: 2e-5, float16: 2 ** -11, bfloat16: 2 ** -8 };

/** Half of float16's smallest number: to that a result so small can be rounded, whatever the largest. */
const LEAST: Record<FloatType, number> = { float32: 0, float16: 2 ** -25, bfloat16: 0 };

/**
 * Largest difference beyond `least`, relative to the largest expected value; where one is not finite the other must be the same.
 */
function error(actual: Float32Array, expected: Float64Array, least = 0): number {
  assert.equal(actual.length, expected.length);
  const scale = expected.reduce(
    (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
    0,
  );
  return actual.reduce((worst, value, i) => {
    const wanted = expected[i]!;
    if (!Number.isFinite(wanted)) return Object.is(value, wanted) ? worst : Infinity;
    return Number.isFinite(value)
      ? Math.max(worst, (Math.abs(value - wanted) - least) / (scale || 1))
      : Infinity;
  }, 0);
}

/** Numbers as the type holds them, so that the reference and the operator start from the same. */
class Numbers {
  readonly #random;
  constructor(
    readonly dtype: FloatType,
    seed: number,
  ) {
    this.#random = xoroshiro128plus(seed);
  }

  /** Uniform in from … to. */
  draw(count: number, from = -1, to = 1, dtype = this.dtype): Float32Array {
    const values = Float32Array.from(
      { length: count },
      () => from + (to - from) * uniformFloat64(this.#random),
    );
    return fromBits(toBits(values, dtype), dtype);
  }
}

export const input = (dtype: FloatType, shape: readonly number[], values: Float32Array): Input => ({
  dtype,
  shape,
  values,
});

export interface Case {
  dtype: FloatType;
  batch: number;
  tokens: number;
  groups?: number;
  gate?: boolean;
  norm?: "after" | "before" | null;
  /** SelectiveScan: channels and state; SsdScan: heads, width of one and state. Default: no multiples of a kernel's blocks. */
  sizes?: readonly number[];
  /** Sections that begin and end at multiples of 16 bytes, as those of published models do: the fast kernels need them. */
  aligned?: boolean;
  /** Δ before softplus, and a. */
  steps?: [number, number];
  rates?: [number, number];
  /** Put into one place of an input. */
  spoil?: { into: "x" | "step" | "b" | "c" | "gate" | "past"; value: number };
}

/** What a case feeds, the node that reads it, and what the reference makes of it. */
export interface Prepared {
  readonly tensors: Readonly<Record<string, Input>>;
  readonly node: Node;
  readonly expected: () => { y: Float64Array; present: Float64Array };
  /** Whether `present` is of the case's type, rounded as y is. */
  readonly rounded?: boolean;
}

/**
 * Inputs of either scan: x, b and c side by side with unused channels around them, gate and step in another tensor, as
 * after a packed product. `inner` channels, `directions` wide b and c, `heads` steps.
 */
function scanInputs(
  one: Case,
  {
    inner,
    directions,
    heads,
    a,
    past,
  }: Record<"inner" | "directions" | "heads", number> & Record<"a" | "past", number[]>,
) {
  const { dtype, batch, tokens, spoil } = one;
  const numbers = new Numbers(dtype, tokens + batch + directions);
  const piece = one.aligned ? 8 : 1;
  const whole = (count: number): number => Math.ceil(count / piece) * piece;
  const [before, first] = [whole(3), whole(1)];
  const offsets = {
    x: before,
    b: before + inner,
    c: before + inner + directions,
    gate: first,
    step: first + inner,
  };
  const widths = {
    packed: whole(before + 5 + inner + 2 * directions),
    gates: whole(first + 1 + inner + heads),
  };
  const float = (shape: number[], from = -1, to = 1): Input =>
    input("float32", shape, numbers.draw(elements(shape), from, to, "float32"));
  const tensors = {
    packed: input(dtype, [batch, tokens, widths.packed], numbers.draw(batch * tokens * widths.packed)),
    gates: input(
      dtype,
      [batch, tokens, widths.gates],
      numbers.draw(batch * tokens * widths.gates, ...(one.steps ?? [-4, 2])),
    ),
    stepBias: float([heads]),
    a: float(a, ...(one.rates ?? [-16, -0.5])),
    skip: input(dtype, [heads], numbers.draw(heads)),
    past: float([batch, ...past]),
  };
  const holder = { x: "packed", b: "packed", c: "packed", step: "gates", gate: "gates" } as const;
  if (spoil?.into === "past") tensors.past.values[3] = spoil.value;
  else if (spoil) {
    const name = holder[spoil.into];
    tensors[name].values[Math.floor(tokens / 2) * widths[name] + offsets[spoil.into] + 2] = spoil.value;
  }
  type Name = keyof typeof holder;
  const packed = (name: Name): Packed => {
    const { values, shape } = tensors[holder[name]];
    return { values, stride: shape[2]!, offset: offsets[name] };
  };
  const gated = one.gate !== false;
  const reference: ScanInputs = {
    batch,
    tokens,
    ...{ x: packed("x"), step: packed("step"), b: packed("b"), c: packed("c") },
    gate: gated ? packed("gate") : null,
    ...{ stepBias: tensors.stepBias.values, a: tensors.a.values },
    ...{ skip: tensors.skip.values, past: tensors.past.values },
  };
  const sections = (v: Record<string, Value>) => {
    const section = (name: Name) => ({ of: v[holder[name]]!, offset: offsets[name] });
    return {
      ...{ x: section("x"), step: section("step"), b: section("b"), c: section("c") },
      ...(gated && { gate: section("gate") }),
      ...{ stepBias: v.stepBias!, a: v.a!, skip: v.skip!, past: v.past! },
    };
  };
  return { tensors, numbers, reference, sections };
}

export function selectiveCase(one: Case): Prepared {
  const [channels, state] = (one.sizes ?? [40, 16]) as [number, number];
  const { tensors, reference, sections } = scanInputs(one, {
    ...{ inner: channels, directions: state, heads: channels },
    ...{ a: [channels, state], past: [channels, state] },
  });
  return {
    tensors,
    node: (v) => ops.selectiveScan(sections(v)),
    expected: () => selectiveReference(reference, channels, state),
  };
}

export function ssdCase(one: Case): Prepared {
  const { dtype, groups = 1, norm = null } = one;
  const [heads, headDim, state] = (one.sizes ?? [4, 40, 24]) as [number, number, number];
  const inner = heads * headDim;
  const { tensors, numbers, reference, sections } = scanInputs(one, {
    ...{ inner, directions: groups * state, heads },
    ...{ a: [heads], past: [heads, state, headDim] },
  });
  const weight = numbers.draw(inner, 0.5, 1.5);
  const normed = norm && { eps: 1e-5, beforeGate: norm === "before" };
  return {
    tensors: { ...tensors, ...(norm && { weight: input(dtype, [inner], weight) }) },
    node: (v) => ops.ssdScan(sections(v), groups, normed ? { weight: v.weight!, ...normed } : undefined),
    expected: () =>
      ssdReference(reference, { heads, headDim, groups, state, norm: normed && { weight, ...normed } }),
  };
}

export function convCase({ dtype, batch, tokens, spoil }: Case, [channels, width] = [40, 4]): Prepared {
  const numbers = new Numbers(dtype, tokens + batch);
  const [stride, offset] = [channels + 7, 5];
  const x = numbers.draw(batch * tokens * stride);
  if (spoil?.into === "x") x[Math.floor(tokens / 2) * stride + offset + 1] = spoil.value;
  const past = numbers.draw(batch * channels * (width - 1));
  if (spoil?.into === "past") past[4] = spoil.value;
  const [weight, bias] = [numbers.draw(channels * width), numbers.draw(channels)];
  return {
    tensors: {
      packed: input(dtype, [batch, tokens, stride], x),
      weight: input(dtype, [channels, 1, width], weight),
      bias: input(dtype, [channels], bias),
      past: input(dtype, [batch, channels, width - 1], past),
    },
    node: (v) => ops.fusedCausalConv({ of: v.packed!, offset }, v.weight!, v.bias!, v.past!),
    expected: () =>
      convReference({ batch, tokens, channels, width, x: { values: x, stride, offset }, weight, bias, past }),
  };
}

/** A delta and a float32 stream whose sum is normed; `present` is the sum. Default: no multiple of a kernel's pieces. */
export function residualCase({ dtype, batch, tokens, spoil }: Case, channels = 40): Prepared {
  const numbers = new Numbers(dtype, tokens + channels);
  const shape = [batch, tokens, channels];
  const delta = numbers.draw(elements(shape));
  if (spoil?.into === "x") delta[Math.floor(tokens / 2) * channels + 1] = spoil.value;
  const stream = numbers.draw(elements(shape), -4, 4, "float32");
  const weight = numbers.draw(channels, 0.5, 1.5, "float32");
  return {
    tensors: {
      delta: input(dtype, shape, delta),
      stream: input("float32", shape, stream),
      weight: input("float32", [channels], weight),
    },
    node: (v) => {
      const { normed, sum } = ops.residualNorm(v.delta!, v.stream!, v.weight!, 1e-5);
      return { output: normed, present: sum };
    },
    expected: () => residualReference({ channels, delta, stream, weight, eps: 1e-5 }),
  };
}

/** x Wᵀ + bias; `present` is the same without it. */
export function linearCase(
  { dtype, batch, tokens, spoil }: Case,
  [inputs, outputs]: readonly [number, number],
): Prepared {
  const numbers = new Numbers(dtype, tokens + inputs + outputs);
  const x = numbers.draw(batch * tokens * inputs);
  if (spoil?.into === "x") x[1] = spoil.value;
  const [weight, bias] = [numbers.draw(outputs * inputs), numbers.draw(outputs)];
  return {
    tensors: {
      x: input(dtype, [batch, tokens, inputs], x),
      weight: input(dtype, [outputs, inputs], weight),
      bias: input(dtype, [outputs], bias),
    },
    node: (v) => ({
      output: ops.fusedLinear(v.x!, v.weight!, v.bias),
      present: ops.fusedLinear(v.x!, v.weight!),
    }),
    expected: () => linearReference({ inputs, outputs, x, weight, bias }),
    rounded: true,
  };
}

/** On a GPU what is normed, and the states between chunks, are rounded to the type too. */
const ROUNDINGS_ON_GPU = 3;

/** Compares result and state with the reference; the state is float32 but for the convolution, which only copies. */
export function check(operators: Operators, one: Case, { tensors, node, expected, rounded }: Prepared): void {
  const [actual, wanted] = [compute(operators, tensors, node), expected()];
  const worst = error(actual.y, wanted.y, LEAST[one.dtype]);
  const tolerance = TOLERANCE[one.dtype] * (operators.device ? ROUNDINGS_ON_GPU : 1);
  assert.ok(worst <= tolerance, `${JSON.stringify(one)}: error ${worst}`);
  const state = error(actual.present, wanted.present);
  assert.ok(
    state <= (operators.device || rounded ? tolerance : TOLERANCE.float32),
    `${JSON.stringify(one)}: error of the state ${state}`,
  );
}
