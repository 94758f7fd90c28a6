import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { elements, type FloatType } from "../../../src/graph/index.js";
import {
  check,
  convCase,
  input,
  linearCase,
  residualCase,
  selectiveCase,
  ssdCase,
  type Case,
  type Prepared,
} from "../../support/operator-cases.js";
import { cpuOperators, needOperators } from "../../support/operators.js";
import { compute, type Input, type Node, type Operators } from "../../support/run-operator.js";

const TYPES = ["float32", "float16", "bfloat16"] as const;
/** Around the pieces that the kernels work in; the types differ in how numbers are read and written only. */
const LENGTHS: Record<FloatType, readonly number[]> = {
  float32: [1, 2, 127, 128, 129, 1025],
  float16: [1, 129],
  bfloat16: [1, 129],
};
let operators: Operators;

suite("fused operators on the CPU", needOperators, () => {
  before(() => {
    operators = { library: cpuOperators() };
  });

  for (const dtype of TYPES) {
    test(`CausalConv in ${dtype} is the convolution in float64, any length, batch and width`, () => {
      for (const tokens of LENGTHS[dtype])
        for (const batch of [1, 3])
          check(operators, { dtype, batch, tokens }, convCase({ dtype, batch, tokens }));
      for (const width of [1, 2, 3]) {
        const one = { dtype, batch: 2, tokens: 6 };
        check(operators, one, convCase(one, [33, width]));
      }
    });

    test(`ResidualNorm in ${dtype} is RMSNorm of the sum in float64, any width, batch and number of tokens`, () => {
      for (const tokens of [0, 1, 2, 33])
        for (const channels of [1, 40, 768, 1536]) {
          const one = { dtype, batch: 2, tokens };
          check(operators, one, residualCase(one, channels));
        }
    });

    test(`Linear in ${dtype} is the product in float64, any size, with and without a bias`, () => {
      for (const sizes of [
        [1, 1],
        [40, 3],
        [129, 130],
        [768, 65],
      ] as const)
        for (const tokens of [0, 1, 3]) {
          const one = { dtype, batch: 2, tokens };
          check(operators, one, linearCase(one, sizes));
        }
    });

    test(`SelectiveScan in ${dtype} is the recurrence in float64, any length and batch`, () => {
      for (const tokens of LENGTHS[dtype])
        for (const batch of [1, 3]) {
          const one = { dtype, batch, tokens, gate: tokens % 2 === 1 };
          check(operators, one, selectiveCase(one));
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
            check(operators, one, ssdCase(one));
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
        check(operators, one, selectiveCase(one));
        check(operators, one, ssdCase(one));
      }
    });

  test("131072 tokens follow the recurrence too", () => {
    const one: Case = { dtype: "float32", batch: 1, tokens: 131072 };
    check(operators, one, selectiveCase({ ...one, sizes: [4, 16] }));
    check(operators, one, ssdCase({ ...one, sizes: [1, 8, 8] }));
    check(operators, one, convCase(one, [4, 4]));
  });

  test("sections at multiples of 16 bytes are read alike", () => {
    const one: Case = { dtype: "float16", batch: 2, tokens: 129, groups: 2, aligned: true };
    check(operators, one, selectiveCase(one));
    check(operators, one, ssdCase(one));
  });

  test("NaN and infinity go where the recurrence takes them, and nowhere else", () => {
    for (const value of [NaN, Infinity, -Infinity]) {
      for (const into of ["x", "step", "b", "c", "gate", "past"] as const) {
        const one: Case = { dtype: "float32", batch: 2, tokens: 70, groups: 2, spoil: { into, value } };
        check(operators, one, selectiveCase(one));
        check(operators, one, ssdCase({ ...one, norm: into === "gate" ? "after" : null }));
      }
      for (const dtype of TYPES)
        for (const into of ["x", "past"] as const) {
          const one: Case = { dtype, batch: 2, tokens: 9, spoil: { into, value } };
          check(operators, one, convCase(one));
        }
      const one: Case = { dtype: "float16", batch: 1, tokens: 3, spoil: { into: "x", value } };
      check(operators, one, residualCase(one));
    }
  });

  test("no tokens leave the state as it was", () => {
    const one: Case = { dtype: "float32", batch: 2, tokens: 0 };
    check(operators, one, convCase(one));
    check(operators, one, selectiveCase(one));
    check(operators, one, ssdCase({ ...one, norm: "after" }));
  });

  test("a sequence in segments gives what it gives in one piece, to the bit", () => {
    for (const prepare of [convCase, selectiveCase, ssdCase]) {
      const { tensors, node } = prepare({ dtype: "float32", batch: 1, tokens: 129 });
      const whole = compute(operators, tensors, node);
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
          operators,
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
      assert.throws(() => compute(operators, { ...tensors, ...change }, node), message);
    });

  test("a state that is to be written where it is read is refused", () => {
    const { tensors, node } = selectiveCase(one);
    assert.throws(
      () => compute(operators, tensors, node, "in place"),
      /past and present are the same memory/,
    );
  });
});
