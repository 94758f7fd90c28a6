import assert from "node:assert/strict";
import { test } from "node:test";
import { CudaError, OrtError } from "../../../src/ort/index.js";
import { planGate } from "../../../src/run/gate/plan.js";
import { problemOf } from "../../../src/run/gate/problem.js";

const [bf16] = planGate({ models: ["gpt-neo-125m"], ep: "cuda", dtypes: ["bf16"] })[0]!.candidates;

/** Messages as ONNX Runtime 1.29 and CUDA 13 word them. */
const FOUND: [string, Error, string, RegExp][] = [
  [
    "no kernel",
    new OrtError(
      "CreateSessionFromArray",
      9,
      "Could not find an implementation for SimplifiedLayerNormalization(1) node with name '/layers.0/Norm'",
    ),
    "unsupported",
    /^no kernel for SimplifiedLayerNormalization in bf16 on cuda \(node \/layers.0\/Norm\)$/,
  ],
  [
    "a type the operator does not know",
    new OrtError(
      "CreateSessionFromArray",
      10,
      "This is an invalid model. Type Error: Type 'tensor(bfloat16)' of input parameter (x) of operator (CumSum) in node (/layers.0/CumSum) is invalid.",
    ),
    "unsupported",
    /^no kernel for CumSum in bf16/,
  ],
  [
    "control flow in a CUDA graph",
    new OrtError(
      "CreateSessionFromArray",
      1,
      "This session cannot use the graph capture feature as requested by the user  as the model has control flow nodes which can't be supported by CUDAExecutionProvider",
    ),
    "unsupported",
    /cannot be captured as a CUDA graph/,
  ],
  [
    "a capture that fails",
    new OrtError(
      "RunWithBinding",
      1,
      "CUDA failure 900: operation not permitted when stream is capturing ; GPU=0",
    ),
    "unsupported",
    /cannot be captured/,
  ],
  ["NOT_IMPLEMENTED in other words", new OrtError("RunWithBinding", 9, "softcap"), "unsupported", /softcap/],
  [
    "no memory",
    new OrtError("RunWithBinding", 6, "Available memory of 5 is smaller than requested bytes of 1024"),
    "not-run",
    /^out of memory: .*requested bytes of 1024/,
  ],
  ["no memory of ours", new RangeError("Array buffer allocation failed"), "not-run", /^out of memory/],
  ["a kernel's error", new OrtError("RunWithBinding", 6, "shape mismatch"), "failed", /shape mismatch/],
  [
    "an illegal access",
    new CudaError("cudaMemcpy", 700, "an illegal memory access was encountered"),
    "failed",
    /illegal memory access/,
  ],
];

for (const [what, error, status, reason] of FOUND)
  test(`${what} is ${status}`, () => {
    const problem = problemOf(error, bf16!)!;
    assert.equal(problem.status, status);
    assert.match(problem.reason, reason);
    assert.equal(problem.fatal, error instanceof CudaError);
  });

test("defects of ours are no findings", () => {
  assert.equal(problemOf(new TypeError("x is not a function"), bf16!), null);
  assert.equal(problemOf(new RangeError("9 logits cannot be compared with 8"), bf16!), null);
  assert.equal(problemOf("text", bf16!), null);
});
