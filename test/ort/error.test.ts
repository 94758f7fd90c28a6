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

test("the size that could not be had is read from the words of the arena", () => {
  const sizes = OUT_OF_MEMORY.map((message) => new OrtError("RunWithBinding", 1, message).requestedBytes);
  assert.deepEqual(sizes, [4000000000000, 2097152, null, null, null]);
});

test("after some CUDA errors the device is lost to the process", () => {
  const fatal = (message: string): boolean => new OrtError("RunWithBinding", 1, message).isFatal;
  assert.ok(fatal("CUDA failure 700: an illegal memory access was encountered ; GPU=0"));
  assert.ok(fatal("CUDA error cudaErrorLaunchFailure: CUDA failure 719: unspecified launch failure"));
  assert.ok(!fatal("CUDA failure 2: out of memory"));
  assert.ok(!fatal("CUDA failure 1: invalid argument"));
  assert.ok(!fatal("requested buffer of size 700"));
});
