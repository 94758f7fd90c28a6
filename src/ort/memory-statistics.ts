import type { Api } from "./api.js";
import type { Pointer } from "./signatures.js";

/** What an arena allocator says of itself (AllocatorStats of ONNX Runtime). */
export interface MemoryStatistics {
  /** In tensors and work space at this moment. */
  inUseBytes: number;
  /** Highest `inUseBytes` since the session was created. */
  maxInUseBytes: number;
  /** Held from the system, used or not. */
  totalAllocatedBytes: number;
  /** Largest single allocation. */
  maxAllocationBytes: number;
  /** Bound of `totalAllocatedBytes`; null where there is none. */
  limitBytes: number | null;
  allocations: number;
  /** Allocations outside the arena: with `session.use_device_allocator_for_initializers`, the weights. */
  reserves: number;
  arenaExtensions: number;
  arenaShrinkages: number;
}

/** Null for an allocator that keeps no statistics, as any without an arena. */
export function readMemoryStatistics(api: Api, allocator: Pointer): MemoryStatistics | null {
  const pairs = api.AllocatorGetStats(allocator);
  if (pairs === 0n) return null;
  try {
    const read = (key: string): number => Number(api.GetKeyValue(pairs, key) ?? Number.NaN);
    if (Number.isNaN(read("InUse"))) return null;
    const limit = read("Limit");
    return {
      inUseBytes: read("InUse"),
      maxInUseBytes: read("MaxInUse"),
      totalAllocatedBytes: read("TotalAllocated"),
      maxAllocationBytes: read("MaxAllocSize"),
      limitBytes: limit > 0 && limit < NO_LIMIT ? limit : null,
      allocations: read("NumAllocs"),
      reserves: read("NumReserves"),
      arenaExtensions: read("NumArenaExtensions"),
      arenaShrinkages: read("NumArenaShrinkages"),
    };
  } finally {
    api.ReleaseKeyValuePairs(pairs);
  }
}

/** The largest int64, or size_t, stands for "no limit". */
const NO_LIMIT = 2 ** 62;
