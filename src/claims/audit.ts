import { fitScaling } from "../analyze/index.js";
import { rowsToTable, type Row } from "../record/index.js";
import { STATE_SIZES } from "./headlines.js";
import { defineClaim, type Beside, type Claim, type ClaimDefinition } from "./claim.js";
import {
  crossing,
  derived,
  ratio,
  share,
  slope,
  value,
  type Measure,
  type NumberColumn,
  type Reading,
} from "./measure.js";

/**
 * What an audit of the published data found, W1 to W19, each with the numbers that show it. A finding holds
 * ("reproduced") if the rows give it. A measured row bears on some of them: whether a cliff is there, what fills the
 * memory.
 */

const QWEN = "qwen2.5-0.5b";
const MAMBA2 = "mamba2-780m";
const FALCON = "falcon-h1-0.5b";
const MIB = 2 ** -20;

const finding = (id: string, definition: Omit<ClaimDefinition, "id">): Claim =>
  defineClaim({
    id,
    source: "audit of the artifact's data",
    device: "rtx4090",
    carries: "paper",
    ...definition,
  });

/** An operator class's share of a profile: as published, of device time, or with one classifier. */
const operators = (
  metric: "op_share_pct" | "op_device_share_pct" | "op_uniform_share_pct",
  model: string,
  op_class: string,
  tokens: number,
): Reading => ({ metric, model, tokens, where: { breakdown: "fine", op_class } });

/** Published share and device-time share of one class in one profile. */
const twoShares = (model: string, op_class: string, tokens: number, figure: string): Beside[] =>
  (["op_share_pct", "op_device_share_pct"] as const).map((metric) => ({
    label: `${op_class} in ${model} at ${tokens} tokens, ${metric === "op_share_pct" ? "as published" : "of device time"}`,
    measure: value(operators(metric, model, op_class, tokens)),
    unit: "%",
    figure,
  }));

/** The number in a column of the one row whose columns have these values. */
function only(rows: readonly Row[], column: NumberColumn, values: Row): number | null {
  const names = Object.entries(values) as [keyof Row, unknown][];
  const found = rows.filter(
    (row) => row[column] != null && names.every(([name, wanted]) => row[name] === wanted),
  );
  return found.length === 1 ? found[0]![column]! : null;
}

const at = (metric: Reading["metric"], model: string, tokens: number, scale = 1): Measure =>
  value({ metric, model, tokens, scale });

const gemmCallsPerPass = (model: string): Reading => ({
  metric: "op_calls",
  model,
  where: { breakdown: "fine", op_class: "gemm" },
  across: "highest",
  scale: 1 / 10,
});

/**
 * Mean power in W that energy and TTFT of the same length imply, at every length that has both; energies average whole
 * windows, TTFT is of one pass.
 */
function impliedWatts(rows: readonly Row[], longest = Infinity): number[] {
  const energies = rows.filter(
    ({ kind, model, prompt_tokens }) => kind === "energy" && model === QWEN && prompt_tokens! <= longest,
  );
  return energies.flatMap(({ energy_j, prompt_tokens }) => {
    const ms = only(rows, "ttft_ms", { model: QWEN, figure: "6b", prompt_tokens: prompt_tokens! });
    return ms === null ? [] : [(1000 * energy_j!) / ms];
  });
}

/** What a metric of the Transformer would be at a length beyond the cliff, by a fit of the lengths before it. */
function withoutCliff(rows: readonly Row[], { metric, sweep }: Cliff, tokens: number): number {
  const before = rows.filter(
    ({ figure, model, prompt_tokens: length }) =>
      figure === sweep && model === QWEN && length! >= 2048 && length! <= 24576,
  );
  return fitScaling(rowsToTable(before), { metric })[0]!.predict(tokens);
}

interface Cliff {
  name: string;
  metric: "ttft_ms" | "energy_j";
  /** Figure with the lengths before it, and that of the headline which rests on it. */
  sweep: string;
  headline: string;
  unit: string;
  scale: number;
}

const TTFT: Cliff = {
  name: "TTFT",
  metric: "ttft_ms",
  sweep: "6b",
  headline: "1",
  unit: "s",
  scale: 1e-3,
};
const ENERGY: Cliff = {
  name: "prefill energy",
  metric: "energy_j",
  sweep: "6a",
  headline: "6a",
  unit: "J",
  scale: 1,
};

/** What would be without the cliff at a length, and how many times what Mamba-2 takes. */
const counterfactual = (cliff: Cliff, tokens: number): Beside[] => [
  {
    label: `${cliff.name} at ${tokens} tokens, had it grown as from 2048 to 24576`,
    measure: derived((rows) => cliff.scale * withoutCliff(rows, cliff, tokens)),
    unit: cliff.unit,
    figure: null,
  },
  {
    label: `that over mamba2-780m's in Figure ${cliff.headline}`,
    measure: derived((rows) => {
      const other = only(rows, cliff.metric, {
        figure: cliff.headline,
        model: MAMBA2,
        prompt_tokens: tokens,
      });
      return other === null ? null : withoutCliff(rows, cliff, tokens) / other;
    }),
    figure: null,
  },
];

const MEMORY_COLUMNS = [
  "weights_bytes",
  "kv_cache_bytes",
  "peak_activation_bytes",
  "reserved_bytes",
  "total_bytes",
] as const satisfies readonly (keyof Row)[];

/** Memory rows of the Jetson whose every field is that of the desktop's row of the model and length. */
function copiedRows(rows: readonly Row[]): number {
  const memory = rows.filter(({ kind }) => kind === "memory");
  const desktop = memory.filter(({ device }) => device === "rtx4090");
  return memory.filter(
    (row) =>
      row.device === "jetson_orin_nano" &&
      desktop.some(
        (other) =>
          other.model === row.model &&
          other.prompt_tokens === row.prompt_tokens &&
          MEMORY_COLUMNS.every((name) => other[name] === row[name]),
      ),
  ).length;
}

/** By how many points superseded shares differ from the profile of the same model, device, length and class. */
function supersededBy(rows: readonly Row[]): number[] {
  const key = ({ model, device, prompt_tokens, op_class }: Row): string =>
    [model, device, prompt_tokens, op_class].join();
  const fine = rows.filter(({ kind, breakdown }) => kind === "operators" && breakdown === "fine");
  const profiles = new Map(
    fine.flatMap((row) => (row.campaign === "paper" ? [[key(row), row.op_share_pct]] : [])),
  );
  return fine
    .filter(({ campaign }) => campaign === "superseded")
    .map((row) => Math.abs(row.op_share_pct! - (profiles.get(key(row)) ?? NaN)));
}

/** By how much a metric of the Transformer grows from one published length to the next. */
const leap = (metric: NumberColumn, from = 24576, to = 32768): Measure => ({
  form: "ratio",
  of: { metric, model: QWEN, tokens: to },
  over: { metric, model: QWEN, tokens: from },
});

/** Peak activations in MiB a token. */
const activationSlope = (model: string): Measure =>
  slope({ metric: "peak_activation_bytes", model, scale: MIB });

/** Peak activations a token, over the logits of one position in 16 bits. */
const overLogits = (model: string, vocabulary: number): Measure =>
  slope({ metric: "peak_activation_bytes", model, scale: 1 / (2 * vocabulary) });

const HALF = ["fp16", "bf16"] as const;

/** Vocabularies of the checkpoints' config.json, padded as their embeddings are. */
const VOCABULARIES = [
  [QWEN, 151936],
  ["qwen2.5-1.5b", 151936],
  ["llama-3.2-1b", 128256],
  ["mamba-790m", 50280],
  [MAMBA2, 50288],
  ["mamba-1.4b", 50280],
] as const;

/** Of operator rows with host and device time, how many have their sum as latency, in %. */
function addsHostToDevice(rows: readonly Row[]): number | null {
  const sums = rows.flatMap(({ op_cpu_us, op_device_us, op_latency_us }) =>
    op_cpu_us != null && op_device_us != null && op_latency_us != null
      ? [Math.abs(op_cpu_us + op_device_us - op_latency_us) < 0.01]
      : [],
  );
  return sums.length > 0 ? (100 * sums.filter(Boolean).length) / sums.length : null;
}

/** Lengths at which a class of a profile has another share when one classifier is used for all profiles. */
function reclassified(rows: readonly Row[], model: string, op_class: string): number {
  return rows.filter(
    (row) =>
      row.model === model &&
      row.op_class === op_class &&
      row.device === "rtx4090" &&
      row.breakdown === "fine" &&
      Math.abs(row.op_share_pct! - row.op_uniform_share_pct!) > 0.1,
  ).length;
}

export const AUDIT: readonly Claim[] = [
  finding("W1", {
    figure: "8",
    metric: "latency_is_host_plus_device",
    claim:
      "operator latencies, of which shares are taken, are host time plus device time, which overlap: in every row that has them",
    stated: 100,
    unit: "% of rows",
    recomputedFrom: null,
    quantity: "op_latency_us = op_cpu_us + op_device_us",
    measure: derived(addsHostToDevice),
    beside: [
      ...twoShares("zamba2-1.2b", "arithmetic", 32768, "8"),
      ...twoShares("zamba2-1.2b", "gemm", 32768, "8"),
      ...twoShares("hymba-1.5b", "memory", 16384, "8"),
      ...twoShares("mamba2-130m", "ssm_scan", 256, "7"),
    ],
  }),
  finding("W2", {
    figure: "7",
    metric: "gemm_calls_per_pass",
    claim:
      "fused SSM operators hold projections: of the products of mamba-130m's 24 layers only one a layer, and the head, count as GEMM",
    stated: 25,
    unit: "calls",
    measure: value(gemmCallsPerPass("mamba-130m")),
    beside: [
      {
        label: "SSM operators a pass, one a layer",
        measure: value({
          ...gemmCallsPerPass("mamba-130m"),
          where: { breakdown: "fine", op_class: "ssm_scan" },
        }),
      },
      { label: "GEMM in mamba2-130m", measure: value(gemmCallsPerPass("mamba2-130m")) },
    ],
  }),
  finding("W3", {
    figure: "7-9",
    metric: "superseded_shares",
    claim:
      "shares that stood in the figure scripts until commit fec1c24 differ from the profiles by 8.4 points on average",
    stated: 8.4,
    unit: "points",
    recomputedFrom: null,
    quantity: "how far they are apart on average",
    measure: derived((rows) => {
      const points = supersededBy(rows);
      return points.length > 0 ? points.reduce((sum, each) => sum + each, 0) / points.length : null;
    }),
    beside: [{ label: "at most", measure: derived((rows) => Math.max(...supersededBy(rows))) }],
  }),
  finding("W4", {
    figure: "8",
    metric: "profiles_of_another_classifier",
    claim:
      "Figure 8 mixes two classifiers: with one for all, the share of SSM operators in zamba2-1.2b is another in 3 of its 8 profiles",
    stated: 3,
    unit: "profiles",
    quantity: "op_share_pct and op_uniform_share_pct differ",
    measure: derived((rows) => reclassified(rows, "zamba2-1.2b", "ssm_scan")),
    beside: [256, 8192, 32768].flatMap((tokens): Beside[] =>
      (["op_share_pct", "op_uniform_share_pct"] as const).map((metric) => ({
        label: `at ${tokens} tokens, ${metric === "op_share_pct" ? "as published" : "with one classifier"}`,
        measure: value(operators(metric, "zamba2-1.2b", "ssm_scan", tokens)),
        unit: "%",
      })),
    ),
  }),
  finding("W5", {
    figure: "6b",
    metric: "ttft_cliff",
    claim:
      "from 24576 to 32768 tokens the TTFT of qwen2.5-0.5b leaps 3.19 times, and the headlines at long context rest on it",
    stated: 3.19,
    unit: "x",
    carries: "anywhere",
    measure: leap("ttft_ms"),
    beside: [
      { label: "TPOT", measure: leap("tpot_ms") },
      { label: "prefill energy", measure: leap("energy_j"), figure: "6a" },
      {
        label: "reserved memory at 24576 tokens",
        measure: at("reserved_bytes", QWEN, 24576, MIB),
        unit: "MiB",
        figure: "5a",
      },
      {
        label: "reserved memory at 32768 tokens",
        measure: at("reserved_bytes", QWEN, 32768, MIB),
        unit: "MiB",
        figure: "5a",
      },
      { label: "TTFT from 16384 to 24576 tokens", measure: leap("ttft_ms", 16384, 24576) },
      ...counterfactual(TTFT, 32768),
      ...counterfactual(ENERGY, 32768),
      ...counterfactual(ENERGY, 57344),
    ],
  }),
  finding("W6", {
    figure: null,
    metric: "ttft_repeated",
    claim:
      "the TTFT of mamba2-780m at 32768 tokens is 1.54 times as long in Figure 6b as in Figure 1, the same setting",
    stated: 1.54,
    unit: "x",
    quantity: "ttft_ms of mamba2-780m in Figure 6b over that in Figure 1",
    measure: derived((rows) => {
      const [first, second] = ["6b", "1"].map((figure) =>
        only(rows, "ttft_ms", { figure, model: MAMBA2, prompt_tokens: 32768 }),
      );
      return first != null && second != null ? first / second : null;
    }),
    beside: ["1", "6b"].map((figure) => ({
      label: `Figure ${figure}`,
      measure: at("ttft_ms", MAMBA2, 32768, 1e-3),
      unit: "s",
      figure,
    })),
  }),
  finding("W7", {
    figure: "6b",
    metric: "ttft_ratio_at_8k",
    claim: "at 8192 tokens, where mamba2-780m is said to overtake it, qwen2.5-0.5b has 2.06 times lower TTFT",
    stated: 2.06,
    unit: "x",
    carries: "anywhere",
    measure: ratio("ttft_ms", MAMBA2, QWEN, 8192),
    beside: [
      { label: "at 16384 tokens", measure: ratio("ttft_ms", MAMBA2, QWEN, 16384) },
      { label: "at 24576 tokens", measure: ratio("ttft_ms", MAMBA2, QWEN, 24576) },
      { label: "TTFT crosses between", measure: crossing("ttft_ms", QWEN, MAMBA2), unit: "tokens" },
      { label: "TPOT crosses between", measure: crossing("tpot_ms", QWEN, MAMBA2), unit: "tokens" },
    ],
  }),
  finding("W8", {
    figure: null,
    metric: "activation_over_logits",
    claim:
      "activations are mostly the logits of every position: a token of qwen2.5-0.5b takes 1.01 times what its 151936 logits take in 16 bits",
    stated: 1.01,
    unit: "x",
    // The allocator counts bytes of tensors, which no device changes.
    carries: "anywhere",
    needs: { logits: ["all"], dtype: HALF },
    quantity: "peak_activation_bytes of qwen2.5-0.5b a token over 2 bytes a logit",
    measure: overLogits(QWEN, 151936),
    beside: VOCABULARIES.flatMap(([model, vocabulary]): Beside[] => [
      { label: `${model} a token`, measure: activationSlope(model), unit: "MiB" },
      {
        label: `its ${vocabulary} logits in 16 bits`,
        measure: derived(() => 2 * vocabulary * MIB),
        unit: "MiB",
      },
      { label: "the one over the other", measure: overLogits(model, vocabulary) },
    ]),
  }),
  finding("W9", {
    figure: "5a",
    metric: "kv_share",
    claim:
      "the KV cache does not end the Transformer's range: it is 3.4 % of the memory of qwen2.5-0.5b at 57344 tokens",
    stated: 3.4,
    unit: "%",
    carries: "anywhere",
    needs: { logits: ["all"], dtype: HALF },
    measure: share("kv_cache_bytes", "total_bytes", QWEN, 57344),
    beside: [
      { label: "activations", measure: share("peak_activation_bytes", "total_bytes", QWEN, 57344) },
      { label: "KV cache", measure: at("kv_cache_bytes", QWEN, 57344, MIB), unit: "MiB" },
      {
        label: "KV cache a token",
        measure: slope({ metric: "kv_cache_bytes", model: QWEN, scale: 2 ** -10 }),
        unit: "KiB",
      },
    ],
  }),
  finding("W10", {
    figure: "5a",
    metric: "kv_of_hybrid",
    claim:
      "the KV cache of falcon-h1-0.5b is published as 0, though its 36 attention layers of 2 KV heads of 64 need 18 KiB a token",
    stated: 0,
    unit: "MiB",
    measure: value({ metric: "kv_cache_bytes", model: FALCON, across: "highest", scale: MIB }),
    beside: [
      {
        label: "36 layers x 2 x 2 heads x 64 in 16 bits, a token",
        measure: derived(() => (36 * 2 * 2 * 64 * 2) / 2 ** 10),
        unit: "KiB",
      },
      {
        label: "falcon-h1-0.5b at 256 tokens",
        measure: at("kv_cache_bytes", FALCON, 256, MIB),
        figure: null,
      },
      {
        label: "phi-3-mini-128k at 1024 tokens, over its 384 KiB a token",
        measure: value({
          metric: "kv_cache_bytes",
          model: "phi-3-mini-128k",
          tokens: 1024,
          scale: 1 / (1024 * 384 * 1024),
        }),
        unit: "x",
      },
    ],
  }),
  finding("W11", {
    figure: null,
    metric: "first_run_workspace",
    claim:
      "memory was measured without warm-up: the activations of mamba-790m at 256 tokens are 4.3 times those at 512",
    stated: 4.3,
    unit: "x",
    measure: {
      form: "ratio",
      of: { metric: "peak_activation_bytes", model: "mamba-790m", tokens: 256 },
      over: { metric: "peak_activation_bytes", model: "mamba-790m", tokens: 512 },
    },
    beside: [
      {
        label: "mamba-790m at 256 tokens",
        measure: at("peak_activation_bytes", "mamba-790m", 256, MIB),
        unit: "MiB",
      },
      {
        label: "mamba-790m at 512 tokens",
        measure: at("peak_activation_bytes", "mamba-790m", 512, MIB),
        unit: "MiB",
      },
      {
        label: "mamba2-780m at 256 tokens",
        measure: at("peak_activation_bytes", MAMBA2, 256, MIB),
        unit: "MiB",
      },
      {
        label: "mamba2-780m at 512 tokens",
        measure: at("peak_activation_bytes", MAMBA2, 512, MIB),
        unit: "MiB",
      },
    ],
  }),
  finding("W12", {
    figure: "5b",
    metric: "jetson_rows_copied",
    claim: "of the Jetson's 46 memory rows 42 repeat the desktop's in every field",
    stated: 42,
    unit: "rows",
    device: "jetson_orin_nano",
    recomputedFrom: null,
    quantity: "equal to the desktop's in every size of memory",
    measure: derived(copiedRows),
    beside: [
      {
        label: "memory rows of the Jetson",
        measure: derived(
          (rows) =>
            rows.filter(({ kind, device }) => kind === "memory" && device === "jetson_orin_nano").length,
        ),
      },
    ],
  }),
  finding("W13", {
    figure: null,
    metric: "implied_power",
    claim: "energies hold more than the pass: with the TTFT they imply up to 557 W, above the board's 450 W",
    stated: 557,
    unit: "W",
    quantity: "the most that energy_j over ttft_ms of qwen2.5-0.5b gives at one length",
    measure: derived((rows) => Math.max(...impliedWatts(rows))),
    beside: [
      {
        label: "the least up to 8192 tokens",
        measure: derived((rows) => Math.min(...impliedWatts(rows, 8192))),
      },
      { label: "the board's limit", measure: derived(() => 450) },
    ],
  }),
  finding("W14", {
    figure: "6b",
    metric: "samples_per_point",
    claim: "every latency of Figures 1 and 6b is one sample, without spread",
    stated: 1,
    unit: "samples",
    measure: value({ metric: "aggregated_samples", across: "highest" }),
    beside: [
      { label: "Figure 1", figure: "1", measure: value({ metric: "aggregated_samples", across: "highest" }) },
    ],
  }),
  finding("W15", {
    figure: null,
    metric: "provenance",
    claim: "notebooks and scripts name other devices than the paper: RTX 3090, A100, H100, AGX Orin",
    measure: null,
    note: "It is about texts of the artifact.",
  }),
  finding("W16", {
    figure: "5a",
    metric: "beyond_positions",
    claim: "qwen2.5-0.5b was measured at 57344 tokens, beyond the 32768 positions that its config lists",
    stated: 57344,
    unit: "tokens",
    measure: value({ metric: "prompt_tokens", model: QWEN, across: "highest" }),
    beside: [
      {
        label: "falcon-h1-0.5b, whose family lists 16384",
        measure: value({ metric: "prompt_tokens", model: FALCON, across: "highest" }),
      },
    ],
  }),
  finding("W17", {
    figure: null,
    metric: "command_line",
    claim:
      "the artifact's main entry passes the batch as the number of new tokens and never applies it to the input",
    measure: null,
    note: "It is about code of the artifact.",
  }),
  finding("W18", {
    figure: "6b",
    metric: "throughput_sweep_high",
    claim:
      "the page differs from the data: throughput is published up to 32768 tokens, not 57K; Mamba-2's 1.4B is the checkpoint of 1.3B, and its state size is not 64",
    stated: 32768,
    unit: "tokens",
    measure: value({ metric: "prompt_tokens", across: "highest" }),
    beside: [
      {
        label: "energy, up to",
        figure: "6a",
        measure: value({ metric: "prompt_tokens", across: "highest" }),
      },
      {
        label: "parameters of mamba2-1.3b, the only one near 1.4B of which rows are published",
        measure: derived(() => 1_343_757_312 / 1e9),
        unit: "billion",
      },
      {
        label: "state size of Mamba-2 (H048)",
        measure: derived(() => STATE_SIZES.mamba2),
        unit: "",
      },
    ],
  }),
  finding("W19", {
    figure: "6b",
    metric: "tpot_divisor",
    claim:
      "TPOT subtracts a prefill timed apart and divides by all 256 new tokens, the first of which that prefill gave",
    stated: 256,
    unit: "tokens",
    quantity: "(e2e_ms - ttft_ms) / tpot_ms",
    measure: derived((rows) => {
      const divisors = rows.flatMap(({ e2e_ms, ttft_ms, tpot_ms }) =>
        e2e_ms != null && ttft_ms != null && tpot_ms != null ? [(e2e_ms - ttft_ms) / tpot_ms] : [],
      );
      return divisors.length > 0 ? Math.max(...divisors) : null;
    }),
  }),
];
