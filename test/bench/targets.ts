import type { Ceilings } from "../../src/models/index.js";

/** What the bench measures unless told otherwise: batch 1, greedy, logits of the last position. */
export const SETTINGS = {
  models: ["qwen2.5-0.5b", "mamba2-780m"],
  promptTokens: [1024, 8192, 32768, 57344, 131072, 220160],
  newTokens: 64,
  repeats: 5,
  dtype: "fp16",
  /** Longer segments are faster where attention dominates, as long as the memory is there; see README.md. */
  segmentTokens: { "qwen2.5-0.5b": 16384, "mamba2-780m": 8192 } as Readonly<Record<string, number>>,
} as const;

/** What a card can do at most: bf16 matrix products of 8192³ and device-to-device copies as PyTorch runs them on it. */
const CEILINGS: readonly { device: RegExp; ceilings: Ceilings }[] = [
  { device: /\bH200\b/, ceilings: { flopsPerS: 790e12, bytesPerS: 4.3e12 } },
];

export const ceilingsOf = (device: string): Ceilings | undefined =>
  CEILINGS.find((known) => known.device.test(device))?.ceilings;

export type Metric = "ttftMs" | "tpotMs" | "deviceBytes";

/** A bound on a metric of ours: against the peer at the same length, for each prompt token, or as it is. */
export type Limit =
  { readonly timesPeer: number } | { readonly perPromptToken: number } | { readonly atMost: number };

export interface Target {
  readonly model: string;
  readonly metric: Metric;
  readonly limit: Limit;
  readonly fromTokens: number;
  readonly toTokens: number;
}

const everyLength = { fromTokens: 1, toTokens: Infinity };
const only = (tokens: number) => ({ fromTokens: tokens, toTokens: tokens });

/** What must be reached. Where it is not, the table says by how much. */
export const TARGETS: readonly Target[] = [
  { model: "qwen2.5-0.5b", metric: "ttftMs", limit: { timesPeer: 1.0 }, ...everyLength },
  { model: "qwen2.5-0.5b", metric: "tpotMs", limit: { timesPeer: 0.12 }, ...everyLength },
  { model: "qwen2.5-0.5b", metric: "deviceBytes", limit: { atMost: 6e9 }, ...only(220160) },
  {
    model: "mamba2-780m",
    metric: "ttftMs",
    limit: { perPromptToken: 0.013 },
    fromTokens: 32768,
    toTokens: Infinity,
  },
  { model: "mamba2-780m", metric: "tpotMs", limit: { atMost: 3.0 }, ...everyLength },
  { model: "mamba2-780m", metric: "deviceBytes", limit: { atMost: 4e9 }, ...only(220160) },
  // A length of its own: -l 1048576 --memory-bytes 8589934592 --ours-only
  { model: "mamba2-780m", metric: "deviceBytes", limit: { atMost: 8 * 2 ** 30 }, ...only(1048576) },
];
