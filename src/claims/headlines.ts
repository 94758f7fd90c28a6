import { findDevice, type DeviceSpec, type Row } from "../record/index.js";
import { defineClaim, type Claim, type ClaimDefinition, type PaperDevice } from "./claim.js";
import {
  crossing,
  derived,
  growth,
  highestRatio,
  longest,
  longestRatio,
  range,
  ratio,
  reduction,
  share,
  value,
  type Missing,
  type Reading,
} from "./measure.js";

/**
 * What arXiv 2507.12442 (ISPASS 2026) states, sentence by sentence: its project page, the abstracts of its versions and
 * the values of its figures. Ids are stable. Models carry registry names, as the rows do.
 */

const QWEN = "qwen2.5-0.5b";
const MAMBA2 = "mamba2-780m";
const FALCON = "falcon-h1-0.5b";

const PAGE = "project page";
const ABSTRACT_2 = "arXiv v2 abstract";
const ABSTRACT_3 = "arXiv v3/v4 abstract";
const both = (...sources: string[]): string => sources.join("; ");

const headline = (id: string, definition: Omit<ClaimDefinition, "id">): Claim =>
  defineClaim({ id, source: PAGE, device: "rtx4090", ...definition });

const accuracy = (model: string, where: Reading["where"] = {}): Reading => ({
  metric: "accuracy_pct",
  model,
  where: { kind: "accuracy", ...where },
});

const TASKS = ["mmlu", "hellaswag", "winogrande", "arc_c", "truthfulqa"];

const meanAccuracy = (model: string): Reading => ({ ...accuracy(model), tasks: TASKS, across: "mean" });

const operatorShare = (model: string, op_class: string): Reading => ({
  metric: "op_share_pct",
  model,
  where: { breakdown: "fine", op_class },
});

/** The same on device time alone, which host waiting does not enter (W1). */
const deviceShare = (model: string, op_class: string): Reading => ({
  ...operatorShare(model, op_class),
  metric: "op_device_share_pct",
});

/** The lengths of Figures 7 and 9a, which the sentences about them mean. */
const SPAN_7 = [256, 131072] as const;
const SPAN_9A = [256, 32768] as const;

/** Lowest and highest prompt length, or a setting, of published rows. */
const setting = (
  metric: "prompt_tokens" | "new_tokens" | "batch",
  across: "lowest" | "highest",
  kind: string,
) => value({ metric, across, where: { kind } });

/** State sizes of the checkpoints that were used: Mamba by its config.json, Mamba-2, whose sets none, by the block. */
export const STATE_SIZES = {
  mamba: 16,
  mamba2: 128,
  source: "The default of the Mamba-2 block (mamba_ssm, state-spaces/mamba e9594ce)",
};

/** "Near constant" and "grows", which the paper does not quantify: one ends where the other begins. */
const STEADY = { rule: "steady", factor: 1.2, ours: true } as const;
const GROWS = { rule: "grows", factor: STEADY.factor, ours: true } as const;

const LATENCY: Claim[] = [
  headline("H001", {
    figure: "1",
    metric: "ttft_speedup_max_short",
    claim: "below 8K tokens qwen2.5-0.5b has up to 1.9 times lower TTFT than mamba2-780m",
    stated: 1.9,
    unit: "x",
    source: both(PAGE, ABSTRACT_3),
    measure: highestRatio("ttft_ms", MAMBA2, QWEN, 8192),
    beside: [
      {
        label: "Figure 6b, the same setting, has more lengths, and up to",
        figure: "6b",
        measure: highestRatio("ttft_ms", MAMBA2, QWEN, 8192),
        again: true,
      },
      { label: "Figure 6b at 1024 tokens", figure: "6b", measure: ratio("ttft_ms", MAMBA2, QWEN, 1024) },
      { label: "Figure 6b at 8192 tokens", figure: "6b", measure: ratio("ttft_ms", MAMBA2, QWEN, 8192) },
    ],
  }),
  headline("H002", {
    figure: "abstract",
    metric: "ttft_speedup_max_short",
    claim: "at short context a Transformer has up to 1.8 times lower TTFT than a state-space model",
    stated: 1.8,
    unit: "x",
    source: ABSTRACT_2,
    measure: null,
    note: "It names neither models nor a length, and v3 of the abstract replaced it (H001).",
  }),
  headline("H003", {
    figure: "1",
    metric: "ttft_speedup",
    claim: "mamba2-780m has 2.65 times lower TTFT than qwen2.5-0.5b at 32768 tokens",
    stated: 2.65,
    unit: "x",
    measure: ratio("ttft_ms", QWEN, MAMBA2, 32768),
    beside: [
      {
        label: "Figure 6b, the same setting",
        figure: "6b",
        measure: ratio("ttft_ms", QWEN, MAMBA2, 32768),
        again: true,
      },
    ],
  }),
  headline("H004", {
    figure: "1",
    metric: "tpot_speedup",
    claim: "mamba2-780m has up to 3 times lower TPOT than qwen2.5-0.5b at 32768 tokens",
    stated: 3,
    unit: "x",
    measure: ratio("tpot_ms", QWEN, MAMBA2, 32768),
    beside: [
      {
        label: "Figure 6b, the same setting",
        figure: "6b",
        measure: ratio("tpot_ms", QWEN, MAMBA2, 32768),
        again: true,
      },
    ],
  }),
  headline("H005", {
    figure: "1",
    metric: "tpot_ratio_short",
    claim: "qwen2.5-0.5b has lower TPOT than mamba2-780m at 1024 tokens (no number is stated)",
    unit: "x",
    source: "derived",
    measure: ratio("tpot_ms", MAMBA2, QWEN, 1024),
    accept: { rule: "above", bound: 1 },
  }),
  headline("H006", {
    figure: "1",
    metric: "ttft_crossover",
    claim: "mamba2-780m has lower TTFT than qwen2.5-0.5b beyond 8192 tokens",
    stated: 8192,
    unit: "tokens",
    recomputedFrom: "6b",
    measure: crossing("ttft_ms", QWEN, MAMBA2),
    beside: [8192, 16384, 24576].map((tokens) => ({
      label: `TTFT of mamba2-780m over qwen2.5-0.5b at ${tokens} tokens`,
      measure: ratio("ttft_ms", MAMBA2, QWEN, tokens),
      unit: "x",
    })),
  }),
  headline("H007", {
    figure: "1",
    metric: "tpot_crossover",
    claim: "mamba2-780m has lower TPOT than qwen2.5-0.5b beyond 8192 tokens",
    stated: 8192,
    unit: "tokens",
    recomputedFrom: "6b",
    measure: crossing("tpot_ms", QWEN, MAMBA2),
    beside: [8192, 16384, 24576].map((tokens) => ({
      label: `TPOT of mamba2-780m over qwen2.5-0.5b at ${tokens} tokens`,
      measure: ratio("tpot_ms", MAMBA2, QWEN, tokens),
      unit: "x",
    })),
  }),
  headline("H008", {
    figure: "abstract",
    metric: "ttft_speedup_max_long",
    claim: "a state-space model has up to 4 times lower TTFT than a Transformer at 57344 tokens",
    stated: 4,
    unit: "x",
    source: both(PAGE, ABSTRACT_2, ABSTRACT_3),
    // The pair is not named; Figure 1's is the one that the paper compares throughout.
    recomputedFrom: null,
    measure: ratio("ttft_ms", QWEN, MAMBA2, 57344),
    beside: [
      {
        label: "TTFT of qwen2.5-1.5b over mamba2-1.3b at 57344 tokens, Figure 3",
        figure: "3",
        measure: ratio("ttft_ms", "qwen2.5-1.5b", "mamba2-1.3b", 57344),
      },
      {
        label: "prefill energy of qwen2.5-0.5b over mamba2-780m at 57344 tokens, Figure 6a",
        figure: "6a",
        measure: ratio("energy_j", QWEN, MAMBA2, 57344),
      },
    ],
  }),
  headline("H009", {
    figure: "1",
    metric: "generation_length",
    claim: "256 tokens were generated",
    stated: 256,
    unit: "tokens",
    carries: "paper",
    measure: setting("new_tokens", "highest", "latency"),
  }),
  headline("H010", {
    figure: "1",
    metric: "batch_size",
    claim: "one sequence was processed at a time",
    stated: 1,
    unit: "sequences",
    carries: "paper",
    measure: setting("batch", "highest", "latency"),
  }),
];

const ttftSeconds = (id: string, model: string, seconds: number): Claim =>
  headline(id, {
    figure: "3",
    metric: "ttft",
    claim: `${model} has a TTFT of ${seconds} s at 57344 tokens`,
    stated: seconds,
    unit: "s",
    source: "plotting_accuracy_ttft.ipynb",
    measure: value({ metric: "ttft_ms", model, tokens: 57344, scale: 1e-3 }),
  });

const meanAccuracyOf = (id: string, model: string): Claim =>
  headline(id, {
    figure: "3",
    metric: "accuracy_mean_of_5",
    claim: `the mean accuracy of ${model} over five tasks (no number is stated)`,
    unit: "%",
    source: "derived",
    device: null,
    measure: value(meanAccuracy(model)),
  });

const FIGURE_3: Claim[] = [
  ttftSeconds("H011", "qwen2.5-1.5b", 8.24),
  ttftSeconds("H012", "mamba2-1.3b", 1.35),
  ttftSeconds("H013", "falcon-h1-1.5b", 2.95),
  headline("H014", {
    figure: "3",
    metric: "ttft_speedup",
    claim: "falcon-h1-1.5b has 2.8 times lower TTFT than qwen2.5-1.5b at 57344 tokens",
    stated: 2.8,
    unit: "x",
    measure: ratio("ttft_ms", "qwen2.5-1.5b", "falcon-h1-1.5b", 57344),
  }),
  headline("H015", {
    figure: "3",
    metric: "ttft_speedup",
    claim: "mamba2-1.3b has lower TTFT than qwen2.5-1.5b at 57344 tokens (no number is stated)",
    unit: "x",
    source: "derived",
    measure: ratio("ttft_ms", "qwen2.5-1.5b", "mamba2-1.3b", 57344),
    accept: { rule: "above", bound: 1 },
  }),
  meanAccuracyOf("H016", "qwen2.5-1.5b"),
  meanAccuracyOf("H017", "mamba2-1.3b"),
  meanAccuracyOf("H018", "falcon-h1-1.5b"),
  headline("H019", {
    figure: "3",
    metric: "accuracy_claim",
    claim: "falcon-h1-1.5b is at least as accurate as qwen2.5-1.5b, over the mean of five tasks",
    unit: "%",
    device: null,
    measure: {
      form: "difference",
      of: meanAccuracy("falcon-h1-1.5b"),
      less: meanAccuracy("qwen2.5-1.5b"),
    },
    accept: { rule: "at-least", bound: 0 },
    beside: TASKS.map((task) => ({
      label: `on ${task}`,
      measure: {
        form: "difference",
        of: accuracy("falcon-h1-1.5b", { task }),
        less: accuracy("qwen2.5-1.5b", { task }),
      },
    })),
  }),
];

const longestPrompt = (
  id: string,
  figure: "5a" | "5b",
  metric: string,
  models: string[],
  stated: number,
  claim: string,
  more: Partial<ClaimDefinition> = {},
): Claim =>
  headline(id, {
    figure,
    metric,
    claim,
    stated,
    unit: "tokens",
    device: figure === "5a" ? "rtx4090" : "jetson_orin_nano",
    measure: longest(...models),
    ...more,
  });

const atLeast = (bound: number): Partial<ClaimDefinition> => ({ accept: { rule: "at-least", bound } });

const MEMORY: Claim[] = [
  longestPrompt(
    "H020",
    "5a",
    "max_context_24gb",
    ["mamba-790m"],
    220000,
    "mamba-790m runs 220000 tokens in 24 GB",
    {
      source: both(PAGE, ABSTRACT_2),
      ...atLeast(220000),
    },
  ),
  longestPrompt(
    "H021",
    "5a",
    "max_context_24gb",
    [MAMBA2],
    220000,
    "mamba2-780m runs 220000 tokens in 24 GB",
    {
      ...atLeast(220000),
    },
  ),
  headline("H022", {
    figure: "5a",
    metric: "max_context_ratio",
    claim: "a state-space model runs 4 times longer prompts than a Transformer in the same memory",
    stated: 4,
    unit: "x",
    source: both(PAGE, ABSTRACT_2),
    measure: longestRatio(MAMBA2, QWEN),
    beside: [{ label: "over llama-3.2-1b", measure: longestRatio(MAMBA2, "llama-3.2-1b") }],
  }),
  headline("H023", {
    figure: "5a",
    metric: "memory_reduction",
    claim: "mamba2-780m needs 64 % less memory than qwen2.5-0.5b for 57344 tokens",
    stated: 64,
    unit: "%",
    source: both(PAGE, ABSTRACT_3),
    measure: reduction("total_bytes", MAMBA2, QWEN, 57344),
    beside: [
      {
        label: "activations, the logits of every position above all (W8), in the total of qwen2.5-0.5b",
        measure: share("peak_activation_bytes", "total_bytes", QWEN, 57344),
      },
    ],
  }),
  longestPrompt(
    "H024",
    "5a",
    "oom_limit_low",
    [QWEN],
    57344,
    "qwen2.5-0.5b runs out of 24 GB beyond 57344 tokens",
  ),
  longestPrompt(
    "H025",
    "5a",
    "oom_limit_high",
    ["llama-3.2-1b"],
    65536,
    "llama-3.2-1b runs out of 24 GB beyond 65536 tokens",
  ),
  longestPrompt(
    "H026",
    "5a",
    "oom_limit",
    [FALCON],
    164000,
    "falcon-h1-0.5b runs out of 24 GB beyond 164K tokens",
    {
      accept: { rule: "near", digit: 1000 },
    },
  ),
  headline("H027", {
    figure: "5a",
    metric: "oom_cause",
    claim: "what makes Transformers run out of memory is the growth of the KV cache",
    stated: "kv cache growth",
    unit: "%",
    // The cause is what takes most of the memory.
    measure: share("kv_cache_bytes", "total_bytes", QWEN, 57344),
    accept: { rule: "above", bound: 50, ours: true },
    beside: [
      {
        label: "activations in the same total",
        measure: share("peak_activation_bytes", "total_bytes", QWEN, 57344),
      },
    ],
  }),
  headline("H028", {
    figure: "5a",
    metric: "context_sweep_low",
    claim: "memory was measured from 1024 tokens on",
    stated: 1024,
    unit: "tokens",
    carries: "paper",
    measure: setting("prompt_tokens", "lowest", "memory"),
  }),
  headline("H029", {
    figure: "5a",
    metric: "context_sweep_high",
    claim: "memory was measured up to 220000 tokens",
    stated: 220000,
    unit: "tokens",
    carries: "paper",
    measure: setting("prompt_tokens", "highest", "memory"),
  }),
  longestPrompt(
    "H030",
    "5b",
    "max_context_transformer",
    [QWEN],
    16384,
    "Transformers, qwen2.5-0.5b the longest, run out of 8 GB beyond 16384 tokens",
    { beside: [{ label: "llama-3.2-1b", measure: longest("llama-3.2-1b") }] },
  ),
  longestPrompt(
    "H031",
    "5b",
    "max_context_ssm_hybrid",
    ["mamba-790m", FALCON],
    32768,
    "mamba-790m and falcon-h1-0.5b run 32768 tokens in 8 GB",
    { ...atLeast(32768), beside: [{ label: "zamba2-1.2b, also a hybrid", measure: longest("zamba2-1.2b") }] },
  ),
];

const prefillJoules = (id: string, model: string, joules: number): Claim =>
  headline(id, {
    figure: "6a",
    metric: "prefill_energy",
    claim: `${model} takes ${joules} J to read 57344 tokens`,
    stated: joules,
    unit: "J",
    measure: value({ metric: "energy_j", model, tokens: 57344 }),
  });

const energyCrossing = (id: string, model: string): Claim =>
  headline(id, {
    figure: "6a",
    metric: "energy_crossover",
    claim: `${model} takes less energy than qwen2.5-0.5b beyond 16384 tokens`,
    stated: 16384,
    unit: "tokens",
    measure: crossing("energy_j", QWEN, model),
    beside: [4096, 24576, 32768].map((tokens) => ({
      label: `energy of ${model} over qwen2.5-0.5b at ${tokens} tokens`,
      measure: ratio("energy_j", model, QWEN, tokens),
      unit: "x",
    })),
  });

const throughput = (id: string, model: string, stated: number): Claim =>
  headline(id, {
    figure: "6b",
    metric: "overall_throughput_ratio",
    claim: `${model} has ${stated} times the overall throughput of qwen2.5-0.5b at 32768 tokens`,
    stated,
    unit: "x",
    measure: ratio("overall_tokens_per_s", model, QWEN, 32768),
    beside: [
      {
        label: "one length before, at 24576 tokens",
        measure: ratio("overall_tokens_per_s", model, QWEN, 24576),
      },
    ],
  });

const ENERGY_AND_THROUGHPUT: Claim[] = [
  prefillJoules("H032", QWEN, 1492),
  prefillJoules("H033", MAMBA2, 370),
  prefillJoules("H034", FALCON, 613),
  headline("H035", {
    figure: "6a",
    metric: "energy_reduction",
    claim: "mamba2-780m takes 75 % less energy than qwen2.5-0.5b to read 57344 tokens",
    stated: 75,
    unit: "%",
    measure: reduction("energy_j", MAMBA2, QWEN, 57344),
  }),
  headline("H036", {
    figure: "6a",
    metric: "energy_ratio",
    claim: "qwen2.5-0.5b takes 4 times the energy of mamba2-780m to read 57344 tokens",
    stated: 4,
    unit: "x",
    measure: ratio("energy_j", QWEN, MAMBA2, 57344),
  }),
  headline("H037", {
    figure: "6a",
    metric: "energy_ratio",
    claim: "qwen2.5-0.5b takes 2.4 times the energy of falcon-h1-0.5b to read 57344 tokens",
    stated: 2.4,
    unit: "x",
    measure: ratio("energy_j", QWEN, FALCON, 57344),
  }),
  energyCrossing("H038", MAMBA2),
  energyCrossing("H039", FALCON),
  headline("H040", {
    figure: "6a",
    metric: "energy_sweep_high",
    claim: "energy was measured up to 57344 tokens",
    stated: 57344,
    unit: "tokens",
    carries: "paper",
    measure: setting("prompt_tokens", "highest", "energy"),
  }),
  throughput("H041", MAMBA2, 2.64),
  throughput("H042", FALCON, 1.54),
];

const ssmAbove55 = (id: string, model: string): Claim =>
  headline(id, {
    figure: "9a",
    metric: "ssm_share_min",
    claim: `SSM operators take more than 55 % of ${model} at every length on the Jetson`,
    stated: 55,
    unit: "%",
    device: "jetson_orin_nano",
    source: both(PAGE, ABSTRACT_2, ABSTRACT_3),
    measure: value({ ...operatorShare(model, "ssm_scan"), span: SPAN_9A, across: "lowest" }),
    accept: { rule: "above", bound: 55 },
    beside: [
      { label: "lowest and highest", measure: range(operatorShare(model, "ssm_scan")) },
      { label: "of device time alone", measure: range(deviceShare(model, "ssm_scan")) },
    ],
  });

const ssmSteady = (id: string, model: string): Claim =>
  headline(id, {
    figure: "7",
    metric: "ssm_share_range",
    claim: `the share of SSM operators in ${model} is nearly constant over the length`,
    stated: "near constant",
    unit: "%",
    measure: range({ ...operatorShare(model, "ssm_scan"), span: SPAN_7 }),
    accept: STEADY,
    beside: [{ label: "of device time alone", measure: range(deviceShare(model, "ssm_scan")) }],
  });

/** Of the classes of these models on the desktop, the highest share, in %, that one has at every length. */
function steadiestShare(rows: readonly Row[], models: readonly string[]): number | null {
  const lowest = new Map<string, number>();
  for (const { campaign, model, device, breakdown, op_class, op_share_pct: pct } of rows) {
    if (
      campaign !== "paper" ||
      breakdown !== "fine" ||
      device !== "rtx4090" ||
      !models.includes(model ?? "") ||
      pct == null
    )
      continue;
    const key = `${model} ${op_class}`;
    lowest.set(key, Math.min(pct, lowest.get(key) ?? Infinity));
  }
  return lowest.size > 0 ? Math.max(...lowest.values()) : null;
}

const OPERATORS: Claim[] = [
  ssmAbove55("H043", "mamba-130m"),
  ssmAbove55("H044", "mamba2-130m"),
  ssmSteady("H045", "mamba-130m"),
  ssmSteady("H046", "mamba2-130m"),
  headline("H047", {
    figure: "7",
    metric: "gemm_share_growth",
    claim: "the share of GEMM in mamba-130m grows with the length",
    stated: "grows",
    unit: "%",
    measure: growth({ ...operatorShare("mamba-130m", "gemm"), span: SPAN_7 }),
    accept: GROWS,
    beside: [{ label: "of device time alone", measure: growth(deviceShare("mamba-130m", "gemm")) }],
  }),
  headline("H048", {
    figure: "7",
    metric: "ssm_state_dim",
    claim: "Mamba-2 has a state size of 64, Mamba-1 of 16",
    stated: 64,
    unit: "state size",
    device: null,
    givenBy: STATE_SIZES.source,
    quantity: "the state size of Mamba-2",
    measure: derived(() => STATE_SIZES.mamba2),
    beside: [{ label: "Mamba-1", measure: derived(() => STATE_SIZES.mamba) }],
  }),
  headline("H049", {
    figure: "8",
    metric: "no_single_dominant_class",
    claim: "no single class of operators dominates zamba2-1.2b and hymba-1.5b",
    stated: "no dominant class",
    unit: "%",
    // A class dominates that takes more than half at every length. Of the published shares, as for every share.
    measure: derived((rows) => steadiestShare(rows, ["zamba2-1.2b", "hymba-1.5b"])),
    quantity:
      "the most that one class takes at every length of zamba2-1.2b or of hymba-1.5b, op_share_pct (fine)",
    accept: { rule: "at-most", bound: 50, ours: true },
    note: "Of device time alone, which host waiting does not enter (W1), GEMM takes more than half of zamba2-1.2b at every length, and no class that much of hymba-1.5b.",
    beside: [
      {
        label: "arithmetic in zamba2-1.2b at 32768 tokens, as published",
        measure: value({ ...operatorShare("zamba2-1.2b", "arithmetic"), tokens: 32768 }),
      },
      {
        label: "GEMM in the same profile, as published",
        measure: value({ ...operatorShare("zamba2-1.2b", "gemm"), tokens: 32768 }),
      },
      {
        label: "GEMM in zamba2-1.2b, of device time alone",
        measure: range(deviceShare("zamba2-1.2b", "gemm")),
      },
      {
        label: "arithmetic in zamba2-1.2b, of device time alone",
        measure: range(deviceShare("zamba2-1.2b", "arithmetic")),
      },
      {
        label: "GEMM in hymba-1.5b, of device time alone",
        measure: range(deviceShare("hymba-1.5b", "gemm")),
      },
    ],
  }),
  ...(["lowest", "highest"] as const).map((across, i) =>
    headline(`H05${i}`, {
      figure: "7-9",
      metric: `operator_sweep_${["low", "high"][i]!}`,
      claim: ["operators were profiled from 256 tokens on", "operators were profiled up to 131072 tokens"][
        i
      ]!,
      stated: [256, 131072][i]!,
      unit: "tokens",
      device: null,
      carries: "paper",
      recomputedFrom: null,
      measure: setting("prompt_tokens", across, "operators"),
    }),
  ),
];

/** Statements of the platform table, which no row can hold. */
const specification = (
  id: string,
  metric: string,
  claim: string,
  stated: number | string,
  unit: string,
  device: PaperDevice,
  known: Partial<ClaimDefinition> = {},
): Claim =>
  headline(id, {
    figure: "table1",
    metric: `hw_${metric}`,
    claim,
    stated,
    unit,
    device,
    measure: null,
    note: "It is a specification.",
    ...known,
  });

interface Platform {
  metric: string;
  what: string;
  stated: readonly [number | string, number | string];
  unit: string;
  /** What the table of devices has of it. */
  known?: (spec: DeviceSpec) => Partial<ClaimDefinition>;
}

/** A number of the table of devices, which holds what the maker states. */
const byMaker = (quantity: string, of: (spec: DeviceSpec) => number): Required<Platform>["known"] => {
  return (spec) => ({
    givenBy: `The maker of the ${spec.words}`,
    quantity,
    measure: derived(() => of(spec)),
    recomputedFrom: null,
    note: "",
  });
};

const PLATFORMS: readonly Platform[] = [
  {
    metric: "gpu_model",
    what: "is an",
    stated: ["NVIDIA RTX 4090", "NVIDIA Jetson Orin Nano"],
    unit: "text",
  },
  {
    metric: "architecture",
    what: "is of the generation",
    stated: ["Ada Lovelace", "Ampere"],
    unit: "text",
  },
  {
    metric: "streaming_multiprocessors",
    what: "has streaming multiprocessors:",
    stated: [128, 8],
    unit: "count",
  },
  {
    metric: "compute_throughput_approx",
    what: "computes, roughly,",
    stated: [330, 20],
    unit: "TFLOPS",
    // Not held against it: the table does not say of which products.
    known: ({ flopsPerS, source }) => ({
      note: `It does not say which products it counts. ${source}.`,
      beside: [
        {
          label: "dense products of 16 bits added in float32, as the models need",
          measure: derived(() => flopsPerS.fp16 / 1e12),
        },
      ],
    }),
  },
  {
    metric: "gpu_memory",
    what: "has a memory of",
    stated: [24, 8],
    unit: "GB",
    known: byMaker("memory as sold", ({ soldGb }) => soldGb),
  },
  {
    metric: "memory_type",
    what: "has memory of the type",
    stated: ["GDDR6X", "LPDDR5 shared with cpu"],
    unit: "text",
  },
  {
    metric: "memory_bandwidth",
    what: "reads memory at",
    stated: [1008, 68],
    unit: "GB/s",
    known: byMaker("peak rate of the memory", ({ bytesPerS }) => bytesPerS / 1e9),
  },
  {
    metric: "host_link",
    what: "reaches its host by",
    stated: ["PCIe 4.0 x16", "integrated"],
    unit: "text",
  },
];

const PAPER_DEVICES = ["rtx4090", "jetson_orin_nano"] as const;

const TABLE_1: Claim[] = [
  ...PLATFORMS.flatMap(({ metric, what, stated, unit, known }, i) =>
    PAPER_DEVICES.map((device, j) =>
      specification(
        `H0${52 + 2 * i + j}`,
        metric,
        `${device} ${what} ${stated[j]!}${unit === "text" || unit === "count" ? "" : ` ${unit}`}`,
        stated[j]!,
        unit,
        device,
        known?.(findDevice(device)!),
      ),
    ),
  ),
  specification(
    "H068",
    "power_mode",
    "jetson_orin_nano ran in power mode MAXN",
    "MAXN",
    "text",
    PAPER_DEVICES[1],
  ),
  specification("H069", "swap", "jetson_orin_nano had 16 GB of swap on NVMe", 16, "GB", PAPER_DEVICES[1]),
];

/** Sizes of the model table, with the registry's name of the checkpoint. */
const SIZES: readonly (readonly [family: string, name: string, models: Record<string, string>])[] = [
  ["transformer", "Qwen2.5", { "0.5B": QWEN, "1.5B": "qwen2.5-1.5b" }],
  ["transformer", "Phi-3-mini", { "3.82B": "phi-3-mini-128k" }],
  ["transformer", "Llama-3.2", { "1B": "llama-3.2-1b" }],
  ["transformer", "TinyLlama", { "1.1B": "tinyllama-1.1b" }],
  ["transformer", "GPT-Neo", { "125M": "gpt-neo-125m" }],
  [
    "ssm",
    "Mamba",
    {
      "130M": "mamba-130m",
      "370M": "mamba-370m",
      "790M": "mamba-790m",
      "1.4B": "mamba-1.4b",
      "2.8B": "mamba-2.8b",
    },
  ],
  [
    "ssm",
    "Mamba-2",
    {
      "130M": "mamba2-130m",
      "370M": "mamba2-370m",
      "780M": MAMBA2,
      // What is published of it is of the checkpoint called 1.3B (W18).
      "1.4B": "mamba2-1.3b",
      "2.8B": "mamba2-2.7b",
    },
  ],
  ["hybrid", "Zamba2", { "1.2B": "zamba2-1.2b", "2.7B": "zamba2-2.7b" }],
  ["hybrid", "Hymba", { "1.5B": "hymba-1.5b" }],
  ["hybrid", "Falcon-H1", { "0.5B": FALCON, "1.5B": "falcon-h1-1.5b" }],
];

/** Models of which the paper published memory, weights with it. */
const WITH_MEMORY: readonly string[] = [
  QWEN,
  "qwen2.5-1.5b",
  "llama-3.2-1b",
  "phi-3-mini-128k",
  "mamba-790m",
  "mamba-1.4b",
  MAMBA2,
  FALCON,
  "zamba2-1.2b",
];

/** How many of the models the published rows measure; what is missing where one has none. */
function published(rows: readonly Row[], models: readonly string[]): number | Missing {
  const unpublished = models.filter((name) => !rows.some(({ model }) => model === name));
  return unpublished.length > 0 ? { missing: `row of ${unpublished.join(", ")}` } : models.length;
}

const TABLE_2: Claim[] = SIZES.map(([family, name, models], i) => {
  const names = Object.values(models);
  return headline(`H0${70 + i}`, {
    figure: "table2",
    metric: `evaluated_sizes_${family}`,
    claim: `${name} was evaluated with ${Object.keys(models).join("; ")} parameters`,
    stated: Object.keys(models).join("; "),
    unit: names.length === 1 ? "size" : "sizes",
    device: null,
    recomputedFrom: null,
    quantity: `with rows: ${names.join(", ")}`,
    measure: derived((rows) => published(rows, names)),
    accept: { rule: "at-least", bound: names.length },
    beside: names
      .filter((model) => WITH_MEMORY.includes(model))
      .map((model) => ({
        label: `weights of ${model}`,
        measure: value({ metric: "weights_bytes", model, across: "highest", scale: 2 ** -20 }),
        unit: "MiB",
        device: "rtx4090",
      })),
  });
});

const ACCURACIES: readonly (readonly [model: string, pct: readonly number[]])[] = [
  ["qwen2.5-1.5b", [61.13, 67.86, 64.56, 54.27, 47.05]],
  ["mamba2-1.3b", [36.3, 59.48, 58.72, 33.2, 36.1]],
  ["falcon-h1-1.5b", [61.81, 66.76, 65.59, 53.24, 49.39]],
];

const ACCURACY: Claim[] = ACCURACIES.flatMap(([model, pct], i) =>
  TASKS.map((task, j) =>
    headline(`H0${80 + 5 * i + j}`, {
      figure: "3",
      metric: `accuracy_${task}`,
      claim: `${model} scores ${pct[j]!} % on ${task}`,
      stated: pct[j]!,
      unit: "%",
      source: "Fig_3/accuracy_data.csv",
      device: null,
      measure: value(accuracy(model, { task })),
    }),
  ),
);

/** H001 to H094, in order. */
export const HEADLINES: readonly Claim[] = [
  ...LATENCY,
  ...FIGURE_3,
  ...MEMORY,
  ...ENERGY_AND_THROUGHPUT,
  ...OPERATORS,
  ...TABLE_1,
  ...TABLE_2,
  ...ACCURACY,
];
