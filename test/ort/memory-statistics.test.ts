import assert from "node:assert/strict";
import { test } from "node:test";
import type { Api } from "../../src/ort/api.js";
import { readMemoryStatistics } from "../../src/ort/memory-statistics.js";

/** An allocator that says the given things, and counts what is released. */
function allocatorSaying(pairs: Record<string, string> | null) {
  const released: bigint[] = [];
  const api = {
    AllocatorGetStats: () => (pairs ? 5n : 0n),
    GetKeyValue: (_: bigint, key: string) => pairs?.[key] ?? null,
    ReleaseKeyValuePairs: (pointer: bigint) => released.push(pointer),
  };
  return { api: api as unknown as Api, released };
}

// As ONNX Runtime 1.29 words it for a CUDA arena with gpu_mem_limit.
const ARENA = {
  Limit: "1073741824",
  InUse: "512",
  TotalAllocated: "2097152",
  MaxInUse: "1024",
  NumAllocs: "7",
  NumReserves: "1",
  NumArenaExtensions: "2",
  NumArenaShrinkages: "0",
  MaxAllocSize: "256",
};

test("an arena's words become numbers", () => {
  const { api, released } = allocatorSaying(ARENA);
  assert.deepEqual(readMemoryStatistics(api, 1n), {
    inUseBytes: 512,
    maxInUseBytes: 1024,
    totalAllocatedBytes: 2097152,
    maxAllocationBytes: 256,
    limitBytes: 2 ** 30,
    allocations: 7,
    reserves: 1,
    arenaExtensions: 2,
    arenaShrinkages: 0,
  });
  assert.deepEqual(released, [5n]);
});

test("no limit is null, however it is written", () => {
  for (const Limit of ["9223372036854775807", "18446744073709551615", "-1", "0"])
    assert.equal(readMemoryStatistics(allocatorSaying({ ...ARENA, Limit }).api, 1n)!.limitBytes, null);
});

test("an allocator without statistics is null", () => {
  const { api, released } = allocatorSaying({});
  assert.equal(readMemoryStatistics(api, 1n), null);
  assert.deepEqual(released, [5n]);
  assert.equal(readMemoryStatistics(allocatorSaying(null).api, 1n), null);
});
