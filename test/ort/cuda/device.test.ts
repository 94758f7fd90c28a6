import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { openLibrary } from "../../../src/ffi/library.js";
import { CudaError } from "../../../src/ort/error.js";
import { openApi } from "../../../src/ort/api.js";
import { CudaDevice } from "../../../src/ort/cuda/device.js";
import { openCudaRuntime } from "../../../src/ort/cuda/runtime-api.js";
import { openRuntimeLibrary } from "../../../src/ort/library.js";
import { collectGarbage } from "../../support/collect-garbage.js";
import { compile, needGcc } from "../../support/gcc.js";

/** A CUDA runtime whose device memory is ordinary memory, 1 GiB of it, and which remembers what it has given out. */
const CUDART = `
#include <stdlib.h>
#include <string.h>
static size_t used; static int last;
int cudaMalloc(void **memory, size_t bytes) {
  if (used + bytes > 1u << 30) return last = 2;
  size_t *block = malloc(bytes + 256); *block = bytes; used += bytes; *memory = (char *)block + 256; return 0; }
int cudaFree(void *memory) { size_t *block = (size_t *)((char *)memory - 256); used -= *block; free(block); return 0; }
int cudaMemcpy(void *to, const void *from, size_t bytes, int kind) {
  if (kind != 1 && kind != 2) return 21;
  memcpy(to, from, bytes); return 0; }
int cudaMemset(void *memory, int value, size_t bytes) { memset(memory, value, bytes); return 0; }
int cudaDeviceSynchronize(void) { return 0; }
int cudaMemGetInfo(size_t *free, size_t *total) { *total = 1u << 30; *free = (1u << 30) - used; return 0; }
int cudaSetDevice(int id) { return id == 0 ? 0 : 101; }
int cudaGetLastError(void) { int was = last; last = 0; return was; }
const char *cudaGetErrorString(int code) { return code == 2 ? "out of memory" : "invalid device ordinal"; }
`;

const FACTS = {
  deviceId: 0,
  uuid: null,
  computeCapability: "9.0",
  totalBytes: 2 ** 30,
  driverVersion: "13.0",
  runtimeVersion: "13.0",
};

suite("a CUDA device over a CUDA runtime of our own", needGcc, () => {
  const folder = mkdtempSync(join(tmpdir(), "ssm-scope-cudart-"));
  after(() => {
    rmSync(folder, { recursive: true });
  });
  const cudart = openLibrary(
    "the CUDA runtime",
    [{ path: compile(folder, "libcudart.so", CUDART), source: "the test" }],
    "",
  );
  const { api } = openApi(openRuntimeLibrary());
  const host = { api, memoryInfo: api.CreateMemoryInfo("Cpu", 0, 0, 0) };
  const device = new CudaDevice(host, openCudaRuntime(cudart, 0), "a card", FACTS);

  test("tensors of one call lie in one block, and the block goes back with the last of them", () => {
    const before = device.usedBytes();
    const tensors = device.allocate([
      { dtype: "float16", shape: [3] },
      { dtype: "float32", shape: [100] },
      { dtype: "int64", shape: [] },
    ]);
    assert.equal(device.usedBytes() - before, 256 + 512 + 256, "each starts at a multiple of 256 bytes");
    const [first, ...others] = tensors;
    for (const tensor of others) tensor[Symbol.dispose]();
    assert.ok(device.usedBytes() > before);
    first![Symbol.dispose]();
    assert.equal(device.usedBytes(), before);
    assert.deepEqual(device.allocate([]), []);
  });

  test("what was written is read, in whole and in part, and cleared", () => {
    const [tensor] = device.allocate([{ dtype: "float32", shape: [4, 2] }]);
    const uploaded = device.uploaded.bytes;
    device.fill(tensor!, (elements) => {
      (elements as Float32Array).set([1, 2, 3, 4, 5, 6, 7, 8]);
    });
    assert.equal(device.uploaded.bytes - uploaded, 32);
    const rows = device.view(tensor!, { dtype: "float32", shape: [2, 2] }, 16);
    tensor![Symbol.dispose]();
    const values = new Float32Array(4);
    device.read(rows, values);
    assert.deepEqual([...values], [5, 6, 7, 8]);
    device.clear([rows]);
    device.read(rows, values);
    assert.deepEqual([...values], [0, 0, 0, 0]);
    assert.throws(() => {
      device.read(rows, new Float32Array(3));
    }, /16 bytes cannot be read into 12/);
    assert.throws(() => rows.data(), { name: "UserError", message: /on the GPU/ });
    rows[Symbol.dispose]();
  });

  test("more than there is: out of memory with its size, and nothing is left behind", () => {
    const before = device.usedBytes();
    assert.throws(
      () =>
        device.allocate([
          { dtype: "uint8", shape: [2 ** 30] },
          { dtype: "uint8", shape: [1] },
        ]),
      (error: unknown) => {
        assert.ok(error instanceof CudaError);
        assert.match(error.message, /^cudaMalloc failed \(CUDA error 2\): out of memory$/);
        assert.ok(error.isOutOfMemory && !error.isFatal);
        assert.equal(error.requestedBytes, 2 ** 30 + 256);
        return true;
      },
    );
    assert.equal(device.usedBytes(), before);
  });

  test("forgotten tensors go back with the garbage", async () => {
    const before = device.usedBytes();
    (() => device.allocate([{ dtype: "uint8", shape: [2 ** 20] }]).length)();
    await collectGarbage();
    assert.equal(device.usedBytes(), before);
  });

  test("a device that cannot be set is an error, a library without the functions a sentence", () => {
    assert.throws(() => openCudaRuntime(cudart, 7), /cudaSetDevice failed \(CUDA error 101\)/);
    const other = openLibrary(
      "it",
      [{ path: compile(folder, "libother.so", "int nothing;"), source: "the test" }],
      "",
    );
    assert.throws(() => openCudaRuntime(other, 0), {
      name: "UserError",
      message: /not the CUDA runtime: it does not export/,
    });
  });
});
