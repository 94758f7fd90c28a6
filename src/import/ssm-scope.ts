/**
 * The files of SSM-Scope, the paper's artifact (github.com/sapmitra/SSM-Scope, March 2026): what its collectors append to
 * generation_times.csv and tpot_times.csv, iteration_times.csv, memory_footprints.csv and energy_data.csv, and its operator
 * profiles, a folder each. Columns mean what they mean in `loadPaper`: TPOT divides by all new tokens, MB are 2^20 bytes.
 */
import { basename, dirname } from "node:path";
import type { Row } from "../record/index.js";
import { csvHeader, csvRecords } from "./csv.js";
import type { Fields } from "./fields.js";
import type { Format } from "./format.js";

const csvFormat = (name: string, header: readonly string[], row: (fields: Fields) => Row): Format => ({
  name: `ssm-scope-${name}`,
  detect: (text) => {
    const found = csvHeader(text);
    return header.every((column) => found.includes(column));
  },
  parse: (text, file) => csvRecords(text, file).map((fields) => ({ ...COMMON, ...row(fields) })),
});

/** Every position's logits are computed and thrown away, in one piece (W8, W9). */
const COMMON: Row = {
  weights: "checkpoint",
  ep: "pytorch",
  prefill: "monolithic",
  logits: "all",
  aggregated_samples: 1,
};

export const ssmScopeFormats: readonly Format[] = [
  csvFormat(
    "generation",
    ["model_name", "input_seq_length", "prefill_time_seconds", "decode_time_seconds", "tpot_seconds"],
    (fields) => {
      const prompt = fields.needNumber("input_seq_length");
      const fresh = fields.needNumber("output_tokens");
      const total = fields.needNumber("total_time_seconds");
      return {
        ...named(fields.needText("model_name")),
        kind: "latency",
        device: fields.text("device"),
        phase: "both",
        batch: 1,
        prompt_tokens: prompt,
        new_tokens: fresh,
        method: "unprofiled_split_forward_then_generate",
        ttft_ms: fields.needNumber("prefill_time_seconds") * 1000,
        tpot_ms: fields.needNumber("tpot_seconds") * 1000,
        e2e_ms: total * 1000,
        decode_tokens_per_s: fields.number("throughput_tokens_per_sec"),
        overall_tokens_per_s: (prompt + fresh) / total,
        measured_at: fields.text("timestamp"),
      };
    },
  ),
  csvFormat("ttft", ["model_name", "seq_length", "iteration", "time_seconds"], (fields) => ({
    ...named(fields.needText("model_name")),
    // Timed inside an active profiler.
    kind: "profiled_latency",
    device: fields.text("device"),
    phase: "prefill",
    batch: 1,
    prompt_tokens: fields.needNumber("seq_length"),
    new_tokens: 0,
    method: "forward_pass_inside_profiler",
    ttft_ms: fields.needNumber("time_seconds") * 1000,
    measured_at: fields.text("timestamp"),
  })),
  csvFormat(
    "memory",
    ["model_name", "model_config", "seq_len", "model_size_mb", "activation_memory_mb", "kv_cache_mb"],
    (fields) => ({
      model: fields.needText("model_config"),
      hf_id: fields.needText("model_config"),
      kind: "memory",
      phase: "prefill",
      batch: fields.needNumber("batch_size"),
      prompt_tokens: fields.needNumber("seq_len"),
      method: "torch_allocator_peaks",
      weights_bytes: mebibytes(fields.number("model_size_mb")),
      kv_cache_bytes: mebibytes(fields.number("kv_cache_mb")),
      peak_activation_bytes: mebibytes(fields.number("activation_memory_mb")),
      reserved_bytes: mebibytes(fields.number("reserved_memory_mb")),
      total_bytes: mebibytes(fields.number("total_memory_mb")),
    }),
  ),
  csvFormat(
    "energy",
    ["model_name", "seq_len", "energy_joules", "duration_per_pass_s", "avg_power_watts"],
    (fields) => ({
      ...named(fields.needText("model_name")),
      kind: "energy",
      device: fields.text("device"),
      phase: "prefill",
      batch: 1,
      prompt_tokens: fields.needNumber("seq_len"),
      method: "nvidia_smi_power_every_100_ms",
      aggregated_samples: fields.number("num_iterations"),
      energy_j: fields.needNumber("energy_joules"),
      mean_power_w: fields.number("avg_power_watts"),
      energy_passes: fields.number("num_iterations"),
      measured_at: fields.text("timestamp"),
    }),
  ),
  {
    name: "ssm-scope-profile",
    detect: (text, path) =>
      PROFILE.every((column) => csvHeader(text).includes(column)) && profileOf(path) !== null,
    parse: profileRows,
  },
];

const mebibytes = (mb: number | null): number | null => (mb === null ? null : mb * 2 ** 20);

/** The artifact's names are of its registry (models/profile_runner.py). */
const CHECKPOINTS: Record<string, string> = {
  "qwen25-instruct": "Qwen/Qwen2.5-0.5B-Instruct",
  "qwen25-1.5b-instruct": "Qwen/Qwen2.5-1.5B-Instruct",
  tinyllama: "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
  "gpt-neo-125m": "EleutherAI/gpt-neo-125m",
  phi3: "microsoft/Phi-3-mini-128k-instruct",
  llama3_2: "meta-llama/Llama-3.2-1B-Instruct",
  mamba: "state-spaces/mamba-130m",
  "mamba-130m": "state-spaces/mamba-130m",
  mamba2: "state-spaces/mamba2-780m",
  "mamba2-130m": "state-spaces/mamba2-130m",
  "mamba2-780m": "state-spaces/mamba2-780m",
  zamba2: "Zyphra/Zamba2-1.2B-Instruct-v2",
  hymba: "nvidia/Hymba-1.5B-Instruct",
  "falcon-h1": "tiiuae/Falcon-H1-0.5B-Base",
  "nemotron-flash": "nvidia/Nemotron-Flash-1B",
};

/** `gen_qwen25-instruct_cuda_256_1024`: the short name stands before device, batch or new tokens, and length. */
function named(name: string): Row {
  const short = name
    .replace(/^gen_/, "")
    .replace(/_(cuda|cpu)_\d+_\d+$/, "")
    .replace(/-(energy|throughput|ops-profile)$/, "");
  const checkpoint = CHECKPOINTS[short];
  return { model: checkpoint ?? short, hf_id: checkpoint ?? null };
}

const PROFILE = ["name", "cpu_time (us)", "cuda_time (us)", "total_time (us)", "count"];

/** A profile's folder is named for its setting, and so are the two of its files that all others follow from. */
function profileOf(
  path: string,
): { model: string; device: string; batch: number; length: number; summary: boolean } | null {
  const folder = basename(dirname(path));
  const [, model, device, batch, length] = /^(.+)_(cuda|cpu)_(\d+)_(\d+)$/.exec(folder) ?? [];
  const file = basename(path, ".csv");
  if (model === undefined || (file !== folder && file !== `summary_${folder}`)) return null;
  return { model, device: device!, batch: Number(batch), length: Number(length), summary: file !== folder };
}

const THREE_CLASS: Record<string, string> = { GEMM: "gemm", NonGEMM: "non_gemm", SSM_Scan: "ssm" };
const FINE: Record<string, string> = { GEMM: "gemm", SSM_Scan: "ssm_scan", nomralization: "normalization" };

/** Sums over 10 profiled passes. Operators themselves are not kept: their classes are what tables hold. */
function profileRows(text: string, path: string): Row[] {
  const { model, device, batch, length, summary } = profileOf(path)!;
  const common: Row = {
    ...COMMON,
    ...named(model),
    kind: "operators",
    device,
    phase: "prefill",
    batch,
    prompt_tokens: length,
    method: "torch_profiler_direct_children",
    aggregated_samples: PASSES,
    op_passes: PASSES,
  };
  const records = csvRecords(text, path);
  const classes = summary
    ? records
    : records.filter((fields) => Object.hasOwn(THREE_CLASS, fields.needText("name")));
  const sum = (column: string): number =>
    classes.reduce((total, fields) => total + fields.needNumber(column), 0);
  const [total, onDevice] = [sum("total_time (us)"), sum("cuda_time (us)")];
  const rows = classes.map((fields): Row => {
    const name = fields.needText("name");
    return {
      ...common,
      breakdown: summary ? "fine" : "three_class",
      op_class: (summary ? FINE : THREE_CLASS)[name] ?? name,
      ...operatorTimes(fields),
      op_share_pct: share(fields.needNumber("total_time (us)"), total),
      op_device_share_pct: share(fields.needNumber("cuda_time (us)"), onDevice),
    };
  });
  const pass = summary ? undefined : records.find((fields) => fields.text("name") === "inference_prof");
  return pass
    ? [...rows, { ...common, breakdown: "aux", op_class: "whole_pass", ...operatorTimes(pass) }]
    : rows;
}

/** Active steps of the artifact's profiler schedule (NUM_RUNS). */
const PASSES = 10;

const operatorTimes = (fields: Fields): Row => ({
  op_calls: fields.number("count"),
  op_cpu_us: fields.needNumber("cpu_time (us)"),
  op_device_us: fields.needNumber("cuda_time (us)"),
  op_latency_us: fields.needNumber("total_time (us)"),
});

const share = (part: number, whole: number): number | null => (whole > 0 ? (100 * part) / whole : null);
