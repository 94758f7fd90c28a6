import assert from "node:assert/strict";
import { before, suite, test } from "node:test";
import { findOperators, openRuntime } from "../../src/ort/index.js";
import { check, convCase, residualCase, selectiveCase, ssdCase } from "../support/operator-cases.js";
import type { Operators } from "../support/run-operator.js";

const TYPES = ["float32", "float16", "bfloat16"] as const;
/** Around a warp, a tile of the selective scan and a chunk of the SSD scan. */
const LENGTHS = [1, 2, 31, 33, 127, 128, 129, 1025];

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
  }
});
