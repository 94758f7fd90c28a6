import assert from "node:assert/strict";
import { test } from "node:test";
import { OrtError } from "../../src/ort/index.js";

test("an error says which call failed, how, and why", () => {
  const error = new OrtError("CreateSession", 7, "Protobuf parsing failed.\n");
  assert.equal(error.message, "CreateSession failed (INVALID_PROTOBUF): Protobuf parsing failed.");
  assert.equal(error.name, "OrtError");
  assert.equal(error.code, 7);
  assert.equal(error.codeName, "INVALID_PROTOBUF");
  assert.equal(new OrtError("RunWithBinding", 99, "").codeName, "CODE_99");
});

// Each as ONNX Runtime 1.29 words it: the arena on CPU and CUDA, its limit, malloc, cudaMalloc, cuBLAS.
const OUT_OF_MEMORY = [
  "bfc_arena.cc:359 AllocateRawInternal Failed to allocate memory for requested buffer of size 4000000000000",
  "bfc_arena.cc:376 AllocateRawInternal Available memory of 1048576 is smaller than requested bytes of 2097152",
  "std::bad_alloc",
  "CUDA failure 2: out of memory ; GPU=0 ; expr=cudaMalloc((void**)&p, size);",
  "CUBLAS failure 3: CUBLAS_STATUS_ALLOC_FAILED ; GPU=0",
];

test("out of memory is recognised in all its wordings, and nothing else is", () => {
  for (const message of OUT_OF_MEMORY)
    assert.ok(new OrtError("RunWithBinding", 1, message).isOutOfMemory, message);
  for (const message of [
    "Invalid rank for input: x",
    "not enough space: expected 80, got 8",
    "Integer overflow",
  ])
    assert.ok(!new OrtError("RunWithBinding", 1, message).isOutOfMemory, message);
});
