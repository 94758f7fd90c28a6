import assert from "node:assert/strict";
import { test } from "node:test";
import { UserError } from "../../src/errors.js";
import { nodeEfficiency } from "../../src/profile/node-efficiency.js";
import { plainTable } from "../../src/profile/node-table.js";
import { nodeWork, type WorkingNode } from "../../src/profile/node-work.js";
import { parseTensors, showTensors } from "../../src/profile/tensor-types.js";

const SEEN = { phase: "prefill", promptTokens: 1024 } as const;

const node = (opType: string, inputs: string, outputs: string, calls = 1): WorkingNode => ({
  opType,
  calls,
  inputs: parseTensors(inputs),
  outputs: parseTensors(outputs),
});

test("what a table shows of tensors is read back", () => {
  const shown = "float16[1,1024,896] int64[] uint8[4864,7,128]";
  assert.equal(showTensors(parseTensors(shown)), shown);
  assert.deepEqual(parseTensors(""), []);
});

test("FLOPs by type and shapes", () => {
  const cases: readonly [WorkingNode, number][] = [
    [node("MatMul", "float[2,3,8] float[2,8,5]", "float[2,3,5]"), 2 * 2 * 3 * 8 * 5],
    // x [tokens, in] by a weight [out, in] that is transposed.
    [node("FusedMatMul", "float[1,7,16] float[40,16]", "float[1,7,40]"), 2 * 7 * 16 * 40],
    // The first matrix transposed.
    [node("FusedMatMul", "float[16,7] float[16,40]", "float[7,40]"), 2 * 7 * 16 * 40],
    [node("Gemm", "float[7,16] float[16,40] float[40]", "float[7,40]"), 2 * 7 * 16 * 40],
    [node("MatMulNBits", "float16[1,7,64] uint8[40,2,16] float16[40,2]", "float16[1,7,40]"), 2 * 7 * 64 * 40],
    [
      node(
        "CausalConv",
        "float[1,7,24] float[24,1,4] float[24] float[1,24,3]",
        "float[1,7,24] float[1,24,3]",
      ),
      2 * 7 * 24 * 4,
    ],
    [node("Conv", "float[1,8,10] float[6,8,3]", "float[1,6,8]"), 2 * 6 * 8 * 8 * 3],
    [node("SelectiveScan", "float[2,7,24]", "float[2,7,24] float[2,24,16]"), 7 * 2 * 7 * 24 * 16],
    // A state [batch, heads, state, headDim].
    [node("SsdScan", "float[1,7,24]", "float[1,7,24] float[1,3,16,8]"), 5 * 7 * 3 * 16 * 8],
    // 4 · heads · headDim a pair; (1024 + 1)/2 keys a query.
    [
      node(
        "GroupQueryAttention",
        "float16[1,1024,1152]",
        "float16[1,1024,896] float16[1,2,1040,64] float16[1,2,1040,64]",
      ),
      4 * 896 * ((1024 * 1025) / 2),
    ],
  ];
  for (const [one, flops] of cases) assert.equal(nodeWork(one, SEEN).flops, flops, one.opType);
  assert.equal(nodeWork({ ...cases[0]![0], calls: 3 }, SEEN).flops, 3 * cases[0]![1]);
  assert.equal(nodeWork(node("Add", "float[8] float[8]", "float[8]"), SEEN).flops, null);
});

test("bytes are what must move: of a table the rows looked up, of a cache what is seen, of a view none", () => {
  const bytes = (one: WorkingNode, phase: "prefill" | "decode" = "prefill"): number | null =>
    nodeWork(one, { ...SEEN, phase }).movedBytes;
  assert.equal(bytes(node("Add", "float[8] float[8]", "float[8]")), 96);
  assert.equal(bytes(node("Gather", "float[50280,768] int64[1,7]", "float[1,7,768]")), 2 * 7 * 768 * 4);
  assert.equal(bytes(node("Reshape", "float[8] int64[2]", "float[2,4]")), 0);
  assert.equal(bytes(node("Add", "string[8] string[8]", "string[8]")), null);
  // One query beside 1,032 keys on average (the prompt's 1,024, room for 1,040), and both caches get a row.
  const step = node(
    "GroupQueryAttention",
    "float16[1,1,1152] float16[1,2,1040,64] float16[1,2,1040,64] int32[1] int32[1]",
    "float16[1,1,896] float16[1,2,1040,64] float16[1,2,1040,64]",
  );
  assert.equal(bytes(step, "decode"), 2 * (1152 + 896) + 2 * (2 * 64 * 2) * (1032.5 + 1));
});

const NODES = plainTable(
  [
    {
      node: "/a/MatMul",
      op_type: "MatMul",
      op_class: "gemm",
      inputs: "float[100,100] float[100,100]",
      time_us: 1000,
    },
    {
      node: "/b/MatMul",
      op_type: "MatMul",
      op_class: "gemm",
      inputs: "float[100,100] float[100,100]",
      time_us: 3000,
    },
    {
      node: "/a/Add",
      op_type: "Add",
      op_class: "arithmetic",
      inputs: "float[100,100] float[100,100]",
      time_us: 500,
    },
  ].map((one) => ({
    model: "m",
    prompt_tokens: 8,
    phase: "prefill",
    calls: 2,
    outputs: "float[100,100]",
    ...one,
  })),
);

test("rates are work over time, by class, type or node, against the ceilings", () => {
  const rows = nodeEfficiency(NODES, { ceilings: { flopsPerS: 4e9, bytesPerS: 1e9 } }).objects() as Record<
    string,
    number | string | null
  >[];
  const [gemm, add] = rows as [(typeof rows)[number], (typeof rows)[number]];
  assert.equal(gemm.calls, 4);
  assert.equal(gemm.flops, 4 * 2e6);
  assert.equal(gemm.flops_per_s, 2e9);
  assert.equal(gemm.mfu, 0.5);
  assert.equal(gemm.moved_bytes, 4 * 120_000);
  assert.equal(gemm.bound, "compute");
  assert.equal(add.flops, null);
  assert.equal(add.bytes_per_s, 480e6);
  assert.equal(add.roofline_share, 0.48);
  assert.equal(add.bound, "memory");
  assert.equal(nodeEfficiency(NODES, { by: "node" }).numRows(), 3);
  const [tight] = nodeEfficiency(NODES, { ceilings: { flopsPerS: 1e9, bytesPerS: 1e9 } }).array("note");
  assert.equal(tight, "mfu is 2.00: above what the ceilings allow");
});

test("what is no table of nodes, and no ceiling, is refused", () => {
  assert.throws(
    () => nodeEfficiency([{ model: "m" }]),
    (error) =>
      error instanceof UserError && /no column op_type, .*: it takes the table `nodes`/.test(error.message),
  );
  assert.throws(
    () => nodeEfficiency(NODES, { ceilings: { flopsPerS: 0, bytesPerS: 1 } }),
    /flopsPerS is 0: a ceiling must be a positive number/,
  );
});
