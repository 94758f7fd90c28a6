import type { Fact, UseOfDevice } from "../../src/figures/index.js";
import type { Row } from "../../src/record/index.js";

/** Made-up rows of one profile: shares of device time by class, the rest in no class. */
export function profile(
  at: { model: string; device: string; prompt_tokens: number } & Omit<Row, "kind">,
  shares: Readonly<Record<string, number>>,
): Fact[] {
  return Object.entries(shares).map(([op_class, op_device_share_pct]) => ({
    kind: "operators",
    status: "ok",
    breakdown: "fine",
    op_class,
    op_passes: 5,
    op_device_share_pct,
    ...at,
  }));
}

const HERE = {
  device: "Made-up GPU",
  family: "ssm",
  ep: "CUDAExecutionProvider",
  dtype: "fp16",
  batch: 1,
  prefill: "chunked",
  segment_tokens: 8192,
  logits: "last",
};

/**
 * Profiles of a machine of ours: no power of two among the lengths, a class that only we have, Mamba2 without one
 * length, in doubt at another and out of memory at the last.
 */
export const OWN_PROFILES: readonly Fact[] = [512, 1000, 4096, 16384].flatMap((prompt_tokens, i) => {
  const at = { ...HERE, prompt_tokens };
  const rest = { gemm: 30, normalization: 10, arithmetic: 8, conv: 5 };
  const mamba = profile({ ...at, model: "mamba-130m" }, { ssm_scan: 40 + i, ...rest });
  const mamba2 = { ...at, model: "mamba2-130m" };
  if (i === 1) return mamba;
  if (i === 3) return [...mamba, { ...mamba2, kind: "operators", status: "oom" }];
  return [
    ...mamba,
    ...profile({ ...mamba2, verdict: i === 2 ? "suspect" : "ok" }, { ssm_scan: 45 + i, ...rest }),
  ];
});

/** A profile of a CPU: the operators' time is the host's, and there is no other. */
export const CPU_PROFILE: readonly Fact[] = profile(
  {
    model: "mamba2-130m",
    device: "AMD EPYC 9B14",
    family: "ssm",
    ep: "CPUExecutionProvider",
    prompt_tokens: 1024,
  },
  { ssm_scan: 50, gemm: 40 },
).map(({ op_device_share_pct, ...row }) => ({
  ...row,
  op_share_pct: op_device_share_pct ?? null,
  op_cpu_us: 1000,
}));

/**
 * Profiles by our own classes, as `profile` writes them: two models at three lengths on two devices, and the decoding of one,
 * which no figure of prefills shows. Classes of a pass miss its wall time by up to 2%.
 */
export const CLASS_PROFILES: readonly Fact[] = [
  { device: "NVIDIA H200", ep: "cuda", gap: 30, inflation: 1.4 },
  { device: "AMD EPYC 9B14", ep: "cpu", gap: 2, inflation: 1.05 },
].flatMap(({ device, ep, gap, inflation }) =>
  ["mamba-130m", "mamba2-130m"].flatMap((model, m) =>
    [1024, 8192, 32768].flatMap((prompt_tokens, i) => {
      const ms = 2 * 4 ** i;
      const at = {
        ...HERE,
        model,
        device,
        ep,
        prompt_tokens,
        breakdown: "class",
        profiled_ms: ms * inflation,
        unprofiled_ms: ms,
      };
      const shares = {
        ssm_scan: 20 + 8 * i + 5 * m,
        conv1d: 6,
        gemm: 25 - m,
        normalization: 7,
        activation: 1,
        arithmetic: 1,
        memory: 4,
        embedding: 0.5,
        logits: 4 - i,
        sampling: 0.5,
        host_device_copy: ep === "cuda" ? 1 : 0,
        launch_gap: gap / (i + 1),
        attention: 0,
        unclassified: 0,
      };
      // Classes and gaps together are what the pass is, but for 1%.
      const sum = Object.values(shares).reduce((total, share) => total + share, 0) / (99 + i);
      const classes = (phase: string): Fact[] =>
        profile({ ...at, phase }, shares).map(({ op_device_share_pct, ...row }) => ({
          ...row,
          op_share_pct: op_device_share_pct! / sum,
        }));
      return [...classes("prefill"), ...(m === 0 ? classes("decode") : [])];
    }),
  ),
);

/** Classes of one model's operators on a CPU, as `nodeEfficiency` gives them with ceilings. */
export const USE_BY_CLASS: readonly UseOfDevice[] = [256, 1024, 4096].flatMap((prompt_tokens, i) =>
  (
    [
      ["gemm", 40 * 2 ** i, 0.6],
      ["attention", 12 * 2 ** i, 0.2 + 0.1 * i],
      ["ssm_scan", 3, 0.3],
      ["normalization", null, 0.4],
    ] as const
  ).map(([op_class, flops_per_byte, share]) => {
    const ceilings = { flops: 79.6e9, bytes: 26.8e9 };
    const rate =
      flops_per_byte === null ? null : share * Math.min(ceilings.flops, ceilings.bytes * flops_per_byte);
    const moved = rate === null || flops_per_byte === null ? share * ceilings.bytes : rate / flops_per_byte;
    return {
      model: "zamba2-1.2b",
      family: "hybrid",
      phase: "prefill",
      prompt_tokens,
      op_class,
      flops_per_s: rate,
      bytes_per_s: moved,
      flops_per_byte,
      mfu: rate === null ? null : rate / ceilings.flops,
      mbu: moved / ceilings.bytes,
    };
  }),
);
