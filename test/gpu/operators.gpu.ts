import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { findOperators, openRuntime } from "../../src/ort/index.js";
import {
  check,
  convCase,
  linearCase,
  residualCase,
  selectiveCase,
  ssdCase,
  type Case,
} from "../support/operator-cases.js";
import type { Operators } from "../support/run-operator.js";

const TYPES = ["float32", "float16", "bfloat16"] as const;
/** Around a warp, a tile of the selective scan and a chunk of the SSD scan. */
const LENGTHS = [1, 2, 31, 33, 127, 128, 129, 1025];
/** Several runs of the selective scan, and many chunks; the longest in one type, as the reference takes its time. */
const LONG = { float32: [4097], float16: [4097, 131072], bfloat16: [4097] };
/** Sizes that the fast kernels are made for. */
const CHANNELS = { sizes: [136, 16], aligned: true };
const HEADS = { sizes: [4, 64, 128], groups: 2, aligned: true };
/** Δ huge and tiny; decay near 0 and near 1. */
const EXTREMES: readonly Pick<Case, "steps" | "rates">[] = [
  { steps: [20, 40] },
  { steps: [-30, -15] },
  { rates: [-1e-6, -1e-7] },
  { rates: [-1000, -100] },
];
const SPOILED = ["x", "step", "b", "c", "gate", "past"] as const;

suite("fused operators on the GPU", () => {
  let operators: Operators;
  before(() => {
    const device = openRuntime().device("cuda");
    const library = findOperators(device);
    assert.ok(library, "build them first: ssm-scope ops build");
    operators = { library, device };
  });

  for (const dtype of TYPES) {
    test(`CausalConv in ${dtype}`, () => {
      for (const tokens of LENGTHS)
        check(operators, { dtype, batch: 2, tokens }, convCase({ dtype, batch: 2, tokens }));
    });
    test(`ResidualNorm in ${dtype}`, () => {
      for (const tokens of [1, 129])
        for (const channels of [1, 40, 768, 1536, 2560, 4096, 8192])
          check(operators, { dtype, batch: 2, tokens }, residualCase({ dtype, batch: 2, tokens }, channels));
    });
    test(`Linear in ${dtype}`, () => {
      // One for every number of lanes a row, and what no 16 bytes divide.
      for (const sizes of [
        [96, 200],
        [768, 8000],
        [896, 1152],
        [3072, 130],
        [41, 70],
      ] as const)
        for (const tokens of [1, 3])
          check(operators, { dtype, batch: 2, tokens }, linearCase({ dtype, batch: 2, tokens }, sizes));
    });
    test(`SelectiveScan in ${dtype}`, () => {
      for (const tokens of LENGTHS)
        for (const sizes of [undefined, [32, 16]]) {
          const one = { dtype, batch: 2, tokens, gate: tokens % 2 === 1, ...(sizes && { sizes }) };
          check(operators, one, selectiveCase(one));
        }
    });
    test(`SsdScan in ${dtype}`, () => {
      for (const tokens of LENGTHS)
        for (const norm of [null, "after", "before"] as const) {
          const one = { dtype, batch: 2, tokens, groups: 2, norm, gate: tokens !== 2 };
          check(operators, one, ssdCase(one));
        }
    });
    test(`the fast kernels in ${dtype}: any length, extremes, and NaN goes where the recurrence takes it`, () => {
      const one = { dtype, batch: 2, tokens: 300 };
      for (const tokens of LENGTHS) {
        check(operators, { ...one, tokens, ...CHANNELS }, selectiveCase({ ...one, tokens, ...CHANNELS }));
        for (const state of [64, 128, 256]) {
          const sized: Case = { ...one, tokens, ...HEADS, sizes: [4, 64, state], norm: "after" };
          check(operators, sized, ssdCase(sized));
        }
      }
      const changes: Partial<Case>[] = [
        ...EXTREMES,
        ...SPOILED.map((into) => ({ spoil: { into, value: NaN } })),
      ];
      for (const change of changes) {
        check(operators, { ...one, ...change }, selectiveCase({ ...one, ...CHANNELS, ...change }));
        check(operators, { ...one, ...change }, ssdCase({ ...one, ...HEADS, ...change }));
      }
    });
    test(`long prompts in ${dtype}`, () => {
      for (const tokens of LONG[dtype]) {
        const one = { dtype, batch: 1, tokens };
        const [channels, heads] = [
          { ...one, ...CHANNELS, sizes: [16, 16] },
          { ...one, ...HEADS, groups: 1, sizes: [1, 64, 64] },
        ];
        check(operators, channels, selectiveCase(channels));
        check(operators, heads, ssdCase(heads));
        check(operators, one, convCase(one, [8, 4]));
      }
    });
  }
});
