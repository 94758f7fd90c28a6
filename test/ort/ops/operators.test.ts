import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { elements, encodeModel, Graph, ops, type FloatType, type Value } from "../../../src/graph/index.js";
import { fromBits, toBits } from "../../../src/models/index.js";
import { openRuntime, type Tensor } from "../../../src/ort/index.js";
import { cpuOperators, needOperators } from "../../support/operators.js";
import {
  convReference,
  selectiveReference,
  ssdReference,
  type Packed,
  type ScanInputs,
} from "../../support/scan-reference.js";

const TYPES = ["float32", "float16", "bfloat16"] as const;
/** Around the pieces that the kernels work in; the types differ in how numbers are read and written only. */
const LENGTHS: Record<FloatType, readonly number[]> = {
  float32: [1, 2, 127, 128, 129, 1025],
  float16: [1, 129],
  bfloat16: [1, 129],
};
/** Of the largest value: the rounding of the result, and in float32 the order of the sums and a polynomial for exp. */
const TOLERANCE: Record<FloatType, number> = { float32: 2e-5, float16: 2 ** -11, bfloat16: 2 ** -8 };

let library: string;

/** One tensor that a node reads. */
interface Input {
  readonly dtype: FloatType;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

type Node = (values: Record<string, Value>) => { output: Value; present: Value };

/** Runs a graph of one node; every input is the graph's. */
function compute(
  inputs: Readonly<Record<string, Input>>,
  build: Node,
  state: "apart" | "in place" = "apart",
): { y: Float32Array; present: Float32Array } {
  const runtime = openRuntime();
  const graph = new Graph("one");
  const values = Object.fromEntries(
    Object.entries(inputs).map(([name, { dtype, shape }]) => [name, graph.input(name, dtype, shape)]),
  );
  const { output, present } = build(values);
  graph.output("y", output);
  graph.output("present", present);
  using session = runtime.createSession(encodeModel(graph), {
    customOps: [library],
    threads: 2,
    logSeverity: 4,
  });
  using binding = session.bind().outputToHost("y").outputToHost("present");
  const feeds = new Map<string, Tensor>();
  for (const [name, { dtype, shape, values: numbers }] of Object.entries(inputs))
    feeds.set(name, runtime.tensor(dtype, shape, toBits(numbers, dtype)));
  for (const [name, tensor] of feeds) binding.input(name, tensor);
  if (state === "in place") binding.output("present", feeds.get("past")!);
  session.runSync(binding);
  const outputs = binding.outputs();
  const read = (name: string): Float32Array => {
    using tensor = outputs.get(name)!;
    return fromBits(tensor.data<Float32Array>().slice(), tensor.dtype as FloatType);
  };
  return { y: read("y"), present: read("present") };
}

/** Largest difference, relative to the largest expected value; where one is not finite the other must be the same. */
function error(actual: Float32Array, expected: Float64Array): number {
  assert.equal(actual.length, expected.length);
  const scale = expected.reduce(
    (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
    0,
  );
  return actual.reduce((worst, value, i) => {
    const wanted = expected[i]!;
    if (!Number.isFinite(wanted)) return Object.is(value, wanted) ? worst : Infinity;
    return Number.isFinite(value) ? Math.max(worst, Math.abs(value - wanted) / (scale || 1)) : Infinity;
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

const input = (dtype: FloatType, shape: readonly number[], values: Float32Array): Input => ({
  dtype,
  shape,
  values,
});

interface Case {
  dtype: FloatType;
  batch: number;
  tokens: number;
  groups?: number;
  gate?: boolean;
  norm?: "after" | "before" | null;
  /** Δ before softplus, and a. */
  steps?: [number, number];
  rates?: [number, number];
  /** Put into one place of an input. */
  spoil?: { into: "x" | "step" | "b" | "c" | "gate" | "past"; value: number };
}

/** What a case feeds, the node that reads it, and what the reference makes of it. */
interface Prepared {
  readonly tensors: Readonly<Record<string, Input>>;
  readonly node: Node;
  readonly expected: () => { y: Float64Array; present: Float64Array };
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
  const offsets = { x: 3, b: 3 + inner, c: 3 + inner + directions, gate: 1, step: 1 + inner };
  const widths = { packed: 8 + inner + 2 * directions, gates: 2 + inner + heads };
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

function selectiveCase(one: Case): Prepared {
  const [channels, state] = [40, 16];
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

function ssdCase(one: Case): Prepared {
  const { dtype, groups = 1, norm = null } = one;
  const [heads, headDim, state] = [4, 40, 24];
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

function convCase({ dtype, batch, tokens, spoil }: Case, [channels, width] = [40, 4]): Prepared {
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

/** Compares result and state with the reference; the state is float32 but for the convolution, which only copies. */
function check(one: Case, { tensors, node, expected }: Prepared): void {
  const [actual, wanted] = [compute(tensors, node), expected()];
  const worst = error(actual.y, wanted.y);
  assert.ok(worst <= TOLERANCE[one.dtype], `${JSON.stringify(one)}: error ${worst}`);
  const state = error(actual.present, wanted.present);
  assert.ok(state <= TOLERANCE.float32, `${JSON.stringify(one)}: error of the state ${state}`);
}

suite("fused operators on the CPU", needOperators, () => {
  before(() => {
    library = cpuOperators();
  });

  for (const dtype of TYPES) {
    test(`CausalConv in ${dtype} is the convolution in float64, any length, batch and width`, () => {
      for (const tokens of LENGTHS[dtype])
        for (const batch of [1, 3]) check({ dtype, batch, tokens }, convCase({ dtype, batch, tokens }));
      for (const width of [1, 2, 3]) {
        const one = { dtype, batch: 2, tokens: 6 };
        check(one, convCase(one, [33, width]));
      }
    });

    test(`SelectiveScan in ${dtype} is the recurrence in float64, any length and batch`, () => {
      for (const tokens of LENGTHS[dtype])
        for (const batch of [1, 3]) {
          const one = { dtype, batch, tokens, gate: tokens % 2 === 1 };
          check(one, selectiveCase(one));
        }
    });

    test(`SsdScan in ${dtype} is the recurrence in float64, any length, batch, groups, gate and norm`, () => {
      for (const tokens of LENGTHS[dtype])
        for (const [batch, groups] of [
          [1, 2],
          [3, 1],
        ] as const)
          for (const norm of tokens < 1025 ? ([null, "after", "before"] as const) : ["after" as const]) {
            const one = { dtype, batch, tokens, groups, norm, gate: tokens !== 2 };
            check(one, ssdCase(one));
          }
    });
  }

  const EXTREMES: [string, Pick<Case, "steps" | "rates">][] = [
    ["Δ huge", { steps: [20, 80] }],
    ["Δ tiny", { steps: [-18, -10] }],
    ["decay near 1", { rates: [-1e-5, 0] }],
    ["decay near 0", { rates: [-200, -50], steps: [0, 4] }],
    ["all of it", { rates: [-100, 0], steps: [-20, 40] }],
  ];
  for (const [name, extreme] of EXTREMES)
    test(`${name}: both scans follow the recurrence`, () => {
      for (const tokens of [129, 1025]) {
        const one: Case = { dtype: "float32", batch: 1, tokens, groups: 2, ...extreme };
        check(one, selectiveCase(one));
        check(one, ssdCase(one));
      }
    });

  test("NaN and infinity go where the recurrence takes them, and nowhere else", () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      for (const into of ["x", "step", "b", "c", "gate", "past"] as const) {
        const one: Case = { dtype: "float32", batch: 2, tokens: 70, groups: 2, spoil: { into, value } };
        check(one, selectiveCase(one));
        check(one, ssdCase({ ...one, norm: into === "gate" ? "after" : null }));
      }
      for (const dtype of TYPES)
        for (const into of ["x", "past"] as const) {
          const one: Case = { dtype, batch: 2, tokens: 9, spoil: { into, value } };
          check(one, convCase(one));
        }
    }
  });

  test("no tokens leave the state as it was", () => {
    const one: Case = { dtype: "float32", batch: 2, tokens: 0 };
    check(one, convCase(one));
    check(one, selectiveCase(one));
    check(one, ssdCase({ ...one, norm: "after" }));
  });

  test("a sequence in segments gives what it gives in one piece, to the bit", () => {
    for (const prepare of [convCase, selectiveCase, ssdCase]) {
      const { tensors, node } = prepare({ dtype: "float32", batch: 1, tokens: 129 });
      const whole = compute(tensors, node);
      const y: number[] = [];
      let past = tensors.past!;
      for (const [from, to] of [
        [0, 1],
        [1, 65],
        [65, 67],
        [67, 129],
      ] as const) {
        const cut = (name: string): Record<string, Input> => {
          const { dtype, shape, values } = tensors[name]!;
          const width = shape[2]!;
          return { [name]: input(dtype, [1, to - from, width], values.slice(from * width, to * width)) };
        };
        const part = compute(
          { ...tensors, ...cut("packed"), ...("gates" in tensors && cut("gates")), past },
          node,
        );
        y.push(...part.y);
        past = { ...past, values: part.present };
      }
      assert.deepEqual(y, [...whole.y]);
      assert.deepEqual(past.values, whole.present);
    }
  });

  /** The same inputs, into a node that the graph's own checks have not seen. */
  const raw =
    (op: string, names: readonly string[], attributes: Record<string, number>): Node =>
    (v) => {
      const [output, present] = v.past!.graph.node(
        op,
        names.map((name) => v[name] ?? null),
        [
          { dtype: "float32", shape: ["a", "b", "c"] },
          { dtype: "float32", shape: op === "SsdScan" ? ["d", "e", "f", "g"] : ["d", "e", "f"] },
        ],
        { domain: "ssm.scope", attributes },
      );
      return { output: output!, present: present! };
    };
  const SCAN = ["packed", "gates", "packed", "packed", "stepBias", "a", "skip", "past"];
  const one: Case = { dtype: "float32", batch: 2, tokens: 3 };
  const floats = (...shape: number[]): Input => input("float32", shape, new Float32Array(elements(shape)));
  const WRONG: [string, Prepared, Node, Record<string, Input>, RegExp][] = [
    [
      "channels beyond the tensor",
      convCase(one),
      raw("CausalConv", ["packed", "weight", "bias", "past"], { x_offset: 8 }),
      {},
      /CausalConv: x is \[2, 3, 47\]; it must be \[2, 3, channels\] with 40 channels from 8 on/,
    ],
    [
      "a wide convolution",
      convCase(one),
      raw("CausalConv", ["packed", "weight", "bias", "past"], {}),
      { weight: floats(40, 1, 5) },
      /CausalConv: the convolution is 5 wide; it must be 1 to 4/,
    ],
    [
      "another batch's state",
      selectiveCase(one),
      raw("SelectiveScan", SCAN, {}),
      { past: floats(1, 40, 16) },
      /SelectiveScan: past is \[1, 40, 16\]; it must be \[2, 40, 16\]/,
    ],
    [
      "steps of fewer tokens",
      selectiveCase(one),
      raw("SelectiveScan", SCAN, {}),
      { gates: floats(2, 2, 82) },
      /SelectiveScan: step is \[2, 2, 82\]; it must be \[2, 3, channels\] with 40 channels from 0 on/,
    ],
    ["no groups", ssdCase(one), raw("SsdScan", SCAN, {}), {}, /SsdScan: groups is 0; it must be 1 or more/],
    [
      "heads that no group has",
      ssdCase(one),
      raw("SsdScan", SCAN, { groups: 3 }),
      {},
      /there are 4 heads; they must be a multiple of the 3 groups/,
    ],
    [
      "an unknown norm",
      ssdCase(one),
      raw("SsdScan", SCAN, { groups: 1, norm: 3 }),
      {},
      /SsdScan: norm is 3; it must be 0/,
    ],
    [
      "a norm without a weight",
      ssdCase(one),
      raw("SsdScan", SCAN, { groups: 1, norm: 1 }),
      {},
      /SsdScan: norm_weight is left out; it must have 160 elements/,
    ],
    [
      "a skip for other heads",
      ssdCase(one),
      raw("SsdScan", SCAN, { groups: 1 }),
      { skip: floats(5) },
      /SsdScan: skip is \[5\]; it must have 4 elements/,
    ],
  ];
  for (const [what, { tensors }, node, change, message] of WRONG)
    test(`${what} is refused in one sentence`, () => {
      assert.throws(() => compute({ ...tensors, ...change }, node), message);
    });

  test("a state that is to be written where it is read is refused", () => {
    const { tensors, node } = selectiveCase(one);
    assert.throws(() => compute(tensors, node, "in place"), /past and present are the same memory/);
  });
});
