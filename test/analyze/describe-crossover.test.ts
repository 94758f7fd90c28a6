import assert from "node:assert/strict";
import { test } from "node:test";
import {
  describeCrossover,
  type Comparison,
  type Crossing,
  type Crossover,
} from "../../src/analyze/index.js";

const comparison: Comparison = {
  method: "fitted",
  metric: "ttft_ms",
  unit: "ms",
  a: "qwen",
  b: "mamba",
  measured: [1024, 32768],
  horizon: [16, 2_097_152],
  replicates: 2000,
  confidence: 0.95,
};
const crossing: Crossing = {
  tokens: 9412.3,
  interval: [8900.4, 10_020.6],
  share: 1,
  lowerBelow: "qwen",
  lowerAbove: "mamba",
  jump: false,
};
const none = {
  ...comparison,
  state: "none-in-range",
  lower: "qwen",
  higher: "mamba",
  ratioAtShortest: 1.9,
  ratioAtLongest: 12.346,
  share: 0,
} as const;

const SENTENCES: [Crossover, string][] = [
  [
    { ...comparison, ...crossing, state: "crossing" },
    "The TTFT of qwen crosses that of mamba at 9,412 tokens (95 % interval 8,900 to 10,021 tokens): " +
      "qwen is lower below, mamba above.",
  ],
  [
    { ...comparison, ...crossing, tokens: 52837, interval: [40_000, 86_000], state: "extrapolated" },
    "The TTFT of qwen would cross that of mamba at 52,837 tokens (95 % interval 40,000 to 86,000 tokens), " +
      "extrapolated from 1,024 to 32,768 tokens: qwen is lower below, mamba above.",
  ],
  [
    {
      ...comparison,
      state: "multiple",
      crossings: [
        { ...crossing, tokens: 1500, interval: [1400, 1600], lowerBelow: "mamba", lowerAbove: "qwen" },
        crossing,
      ],
    },
    "The TTFT of qwen crosses that of mamba 2 times: at 1,500 tokens (95 % interval 1,400 to 1,600 tokens), " +
      "mamba is lower below, qwen above; at 9,412 tokens (95 % interval 8,900 to 10,021 tokens), " +
      "qwen is lower below, mamba above.",
  ],
  [
    none,
    "The TTFT of qwen and mamba has no crossing in range: qwen is lower at 1,024 to 32,768 tokens (by the fits mamba has 1.9 " +
      "times as much at the shortest and 12.3 at the longest), and the fitted curves stay so up to 2,097,152 tokens.",
  ],
  [
    { ...none, metric: "kv_cache_bytes", ratioAtShortest: null, ratioAtLongest: null, share: 0.256 },
    "The KV cache of qwen and mamba has no crossing in range: qwen is lower at 1,024 to 32,768 tokens, and of the " +
      "resampled curves 25.6 % cross outside, up to 2,097,152 tokens.",
  ],
  [
    { ...comparison, state: "not-separable", reason: "within-uncertainty", share: 0.5 },
    "The TTFT of qwen and mamba is not separable at 1,024 to 32,768 tokens: " +
      "at every measured length they differ by less than their uncertainty.",
  ],
  [
    { ...comparison, state: "not-separable", reason: "order-unclear", share: 0.5 },
    "The TTFT of qwen and mamba is not separable at 1,024 to 32,768 tokens: " +
      "the resampled curves do not agree on whether and in which direction they cross.",
  ],
];

const interpolated = { ...comparison, method: "interpolated", horizon: [1024, 32768] } as const;

const INTERPOLATED: [Crossover, string][] = [
  [
    { ...interpolated, ...crossing, bracket: [8192, 16384], state: "crossing" },
    "Interpolated between measured lengths, the TTFT of qwen crosses that of mamba at 9,412 tokens (95 % interval " +
      "8,900 to 10,021 tokens, between the measured 8,192 and 16,384 tokens): qwen is lower below, mamba above.",
  ],
  [
    {
      ...interpolated,
      ...crossing,
      replicates: 0,
      share: null,
      interval: [8192, 16384],
      bracket: [8192, 16384],
      state: "crossing",
    },
    "Interpolated between single samples, the TTFT of qwen crosses that of mamba at 9,412 tokens (between the " +
      "measured 8,192 and 16,384 tokens; single samples give no interval): qwen is lower below, mamba above.",
  ],
  [
    { ...none, ...interpolated, metric: "decode_tokens_per_s" },
    "Interpolated between measured lengths, the decode_tokens_per_s of qwen and mamba has no crossing in range: qwen " +
      "is lower at 1,024 to 32,768 tokens (by the means mamba has 1.9 times as much at the shortest and 12.3 at the longest).",
  ],
  [
    { ...comparison, ...crossing, tokens: 24576, interval: [16, 2_097_152], jump: true, state: "crossing" },
    "The TTFT of qwen crosses that of mamba at 24,576 tokens, where one jumps over the other (95 % interval less " +
      "than 16 to more than 2,097,152 tokens): qwen is lower below, mamba above.",
  ],
];

const PHRASES: Record<Crossover["state"], string> = {
  crossing: "crosses",
  multiple: "crosses",
  extrapolated: "extrapolated",
  "none-in-range": "no crossing in range",
  "not-separable": "not separable",
};

test("each state has its sentence, with lengths, interval and unit", () => {
  for (const [result, sentence] of SENTENCES) assert.equal(describeCrossover(result), sentence);
  assert.deepEqual(new Set(SENTENCES.map(([{ state }]) => state)), new Set(Object.keys(PHRASES)));
});

test("an interpolation, a jump and an open interval are said", () => {
  for (const [result, sentence] of INTERPOLATED) assert.equal(describeCrossover(result), sentence);
});

test("a state's phrase appears in its own sentences only", () => {
  for (const [{ state }, sentence] of SENTENCES)
    for (const phrase of new Set(Object.values(PHRASES)))
      assert.equal(sentence.includes(phrase), phrase === PHRASES[state], `${phrase}: ${sentence}`);
});
