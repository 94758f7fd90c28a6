import { UserError } from "../../errors.js";

/** How a session uses a CUDA device. Each maps to a key of OrtCUDAProviderOptionsV2; what is left out keeps its default. */
export interface CudaOptions {
  /** Bound of the session's allocator in bytes (gpu_mem_limit). */
  readonly memoryLimitBytes?: number;
  /** How the allocator grows (arena_extend_strategy): by doubling, or by what is asked for. */
  readonly arena?: keyof typeof ARENA_STRATEGIES;
  /** Captures each run as a CUDA graph and replays it (enable_cuda_graph): all bound tensors must stay where they are. */
  readonly graph?: boolean;
  /** Whether float32 products may round their inputs to 10 bits of mantissa (use_tf32); ONNX Runtime's default is yes. */
  readonly tf32?: boolean;
  /** How cuDNN chooses a convolution (cudnn_conv_algo_search). */
  readonly cudnnConvSearch?: "EXHAUSTIVE" | "HEURISTIC" | "DEFAULT";
  /** Any other key of the provider, as ONNX Runtime spells it. */
  readonly other?: Readonly<Record<string, string>>;
}

export const ARENA_STRATEGIES = {
  "next-power-of-two": "kNextPowerOfTwo",
  "same-as-requested": "kSameAsRequested",
} as const;

/** Keys that have an option of their own above, or are the device's. */
const RESERVED = [
  "device_id",
  "gpu_mem_limit",
  "arena_extend_strategy",
  "enable_cuda_graph",
  "use_tf32",
  "cudnn_conv_algo_search",
];

/** Throws a UserError for a key that is set elsewhere. */
export function assertOther(other: Readonly<Record<string, string>>): void {
  const taken = RESERVED.find((key) => key in other);
  if (taken !== undefined)
    throw new UserError(
      `the CUDA option ${taken}=${other[taken]} is given by its key, but it has an option of its own; use that`,
    );
}

/** Keys and values as UpdateCUDAProviderOptions takes them, but for the device. */
export function providerOptions({
  memoryLimitBytes,
  arena,
  graph,
  tf32,
  cudnnConvSearch,
  other = {},
}: CudaOptions = {}): Record<string, string> {
  const flag = (value: boolean): string => (value ? "1" : "0");
  assertOther(other);
  return {
    ...(memoryLimitBytes !== undefined && { gpu_mem_limit: String(memoryLimitBytes) }),
    ...(arena !== undefined && { arena_extend_strategy: ARENA_STRATEGIES[arena] }),
    ...(graph !== undefined && { enable_cuda_graph: flag(graph) }),
    ...(tf32 !== undefined && { use_tf32: flag(tf32) }),
    ...(cudnnConvSearch !== undefined && { cudnn_conv_algo_search: cudnnConvSearch }),
    ...other,
  };
}
