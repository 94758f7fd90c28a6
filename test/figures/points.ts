import type { CrossoverMark, CurvePoint } from "../../src/figures/scaling-spec.js";
import type { Point } from "../../src/figures/point.js";
import type { ResidualPoint } from "../../src/figures/residuals.js";

const PAPER: Partial<Point> = {
  device: "rtx4090",
  batch: 1,
  new_tokens: 256,
  ep: "pytorch",
  prefill: "monolithic",
  logits: "all",
  status: "ok",
};
const QWEN: Partial<Point> = { family: "transformer", dtype: "bf16" };
const MAMBA2: Partial<Point> = { family: "ssm", dtype: "fp16" };

const point = (
  settings: Partial<Point>,
  model: string,
  prompt_tokens: number,
  ttft_ms: number,
  tpot_ms: number,
): Point => ({ ...settings, model, prompt_tokens, ttft_ms, tpot_ms });

/** Rows L1-1 to L1-4 of the paper's latency data (seconds there). */
export const PAPER_POINTS: readonly Point[] = [
  point({ ...PAPER, ...QWEN }, "qwen2.5-0.5b", 1024, 13.823878000039258, 12.523412535152545),
  point({ ...PAPER, ...QWEN }, "qwen2.5-0.5b", 32768, 1300.3163600005792, 41.80457996875475),
  point({ ...PAPER, ...MAMBA2 }, "mamba2-780m", 1024, 26.0057350005809, 13.800665003898871),
  point({ ...PAPER, ...MAMBA2 }, "mamba2-780m", 32768, 490.99710100017546, 13.697560640622441),
];

const MEASURED: Partial<Point> = {
  device: "AMD EPYC 9B14",
  ep: "CPUExecutionProvider",
  dtype: "fp32",
  batch: 1,
  new_tokens: 32,
  prefill: "chunked",
  segment_tokens: 512,
  logits: "last",
  threads: 2,
  weights: "random",
  warmup_runs: 2,
  ttft_ms_n: 7,
  tpot_ms_n: 7,
  status: "ok",
};

/** A made-up campaign: TTFT linear for the SSM, with a quadratic term for the Transformer; 3 % and 5 % intervals. */
export const MEASURED_POINTS: readonly Point[] = [128, 256, 512, 1024, 2048, 4096].flatMap((n) => {
  const made = (model: string, ttft: number, tpot: number, more: Partial<Point>): Point => ({
    ...point({ ...MEASURED, ...more }, model, n, ttft, tpot),
    ttft_ms_lo: ttft * 0.97,
    ttft_ms_hi: ttft * 1.05,
    tpot_ms_lo: tpot * 0.95,
    tpot_ms_hi: tpot * 1.08,
  });
  return [
    made("qwen2.5-0.5b", 40 + 1.9 * n + 0.0011 * n ** 2, 55 + 0.004 * n, { family: "transformer" }),
    made("mamba2-130m", 120 + 3.2 * n, 24.5, { family: "ssm", lowering: "ssd-matmul" }),
  ];
});

/** The same, with the Transformer out of memory at 4096 and a doubtful SSM row at 128. */
export const MEASURED_WITH_GAPS: readonly Point[] = MEASURED_POINTS.map((row) => {
  if (row.model.startsWith("qwen") && row.prompt_tokens === 4096)
    return { ...row, status: "oom", ttft_ms: null, tpot_ms: null };
  if (row.model === "mamba2-130m" && row.prompt_tokens === 128) return { ...row, verdict: "suspect" };
  return row;
});

export const CURVES: readonly CurvePoint[] = ["qwen2.5-0.5b", "mamba2-130m"].flatMap((model) =>
  Array.from({ length: 49 }, (_, i) => {
    const n = 128 * 2 ** (i / 8);
    const value = model === "mamba2-130m" ? 120 + 3.2 * n : 40 + 1.9 * n + 0.0011 * n ** 2;
    return { model, prompt_tokens: n, value, value_lo: value * 0.95, value_hi: value * 1.06 };
  }),
);

export const CROSSOVERS: readonly CrossoverMark[] = [
  { prompt_tokens: 1240.4, prompt_tokens_lo: 1100, prompt_tokens_hi: 1390, faster: "mamba2-130m" },
];

/** Samples off their curves: a step at 32768 tokens that the Transformer's curve does not know. */
export const RESIDUALS: readonly ResidualPoint[] = [
  ...[-0.06, 0.04, 0.13, -0.05, -0.18, 0.39].map((relative_residual, i) => ({
    ...{ model: "qwen2.5-0.5b", family: "transformer", metric: "ttft_ms" },
    ...{ prompt_tokens: 1024 * 2 ** i, relative_residual, influential: i === 5 },
  })),
  ...[0.02, -0.03, null, 0.03, 0.02, -0.02].map((relative_residual, i) => ({
    ...{ model: "mamba2-780m", family: "ssm", metric: "ttft_ms" },
    ...{ prompt_tokens: 1024 * 2 ** i, relative_residual, influential: false },
  })),
];
