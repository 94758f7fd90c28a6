import type { PaperKind } from "../../src/record/load.js";
import type { Row } from "../../src/record/schema.js";
import { mebibytes, number, publishedCells, scaled, text, type Published } from "./cells.js";
import { modelsOf, type Models } from "./models.js";
import { panels } from "./panels.js";

/** Every published reading as rows, from the reference folder's files; `read` gives the text of one. */
export function publishedRows(read: (file: string) => string): Record<PaperKind, Row[]> {
  const load = (file: string): Published[] => publishedCells(read(file), file);
  const models = modelsOf(load("models.csv"), read("models.json"));
  const latency = load("latency.csv").map((from) => latencyRow(from, models));
  const memory = load("memory.csv").map((from) => memoryRow(from, models));
  return {
    latency,
    memory,
    energy: load("energy.csv").map((from) => energyRow(from, models)),
    operators: load("operators.csv").map((from) => operatorRow(from, models, latency)),
    accuracy: load("accuracy.csv").map((from) => accuracyRow(from, models)),
    limit: load("oom_limits.csv").map((from) => limitRow(from, models, memory)),
  };
}

/**
 * Shares that stood in the figure scripts as text until commit fec1c24. They are no measurement (W3): kept to be held
 * against the profiles, apart from them.
 */
export function supersededRows(read: (file: string) => string): Row[] {
  const models = modelsOf(publishedCells(read("models.csv"), "models.csv"), read("models.json"));
  return publishedCells(read("operators_superseded.csv"), "operators_superseded.csv").map((from): Row => {
    const common = identity("operators", from, models);
    return {
      ...common,
      campaign: "superseded",
      cell: `superseded/${common.model}/${from.device}/${from.seq_len}`,
      device: text(from.device),
      prompt_tokens: number(from.seq_len),
      breakdown: "fine",
      op_class: text(from.op_class),
      op_share_pct: number(from.removed_hardcoded_share_pct),
      source: "figure scripts, removed in fec1c24",
    };
  });
}

function latencyRow(from: Published, models: Models): Row {
  const row: Row = {
    ...setting("latency", from, models),
    // A time taken under a profiler never meets an unprofiled one in a fit.
    kind: text(from.method)?.includes("profiler") ? "profiled_latency" : "latency",
    cell: `latency/${from.row_id}`,
    phase: from.new_tokens === "0" ? "prefill" : "both",
    prompt_tokens: number(from.prompt_tokens),
    new_tokens: number(from.new_tokens),
    method: text(from.method),
    aggregated_samples: number(from.ttft_samples),
    ttft_ms: scaled(from.ttft_s, 3),
    tpot_ms: scaled(from.tpot_s, 3),
    e2e_ms: scaled(from.total_s, 3),
    device_busy_ms: scaled(from.gpu_busy_s, 3),
    decode_tokens_per_s: number(from.decode_throughput_tok_per_s),
    overall_tokens_per_s: number(from.overall_throughput_tok_per_s),
  };
  return { ...row, panel: panels(row) };
}

function memoryRow(from: Published, models: Models): Row {
  const common = setting("memory", from, models);
  const same = from.same_as_rtx4090!.replace("all_fields", "in all fields").replace("differs:", "but for ");
  return {
    ...common,
    cell: `memory/${common.model}/${from.device}/${from.seq_len}`,
    phase: "prefill",
    prompt_tokens: number(from.seq_len),
    method: "torch_allocator_peaks",
    aggregated_samples: 1,
    weights_bytes: mebibytes(from.weights_mb),
    kv_cache_bytes: mebibytes(from.kv_cache_mb),
    peak_activation_bytes: mebibytes(from.activation_mb),
    reserved_bytes: mebibytes(from.reserved_mb),
    total_bytes: mebibytes(from.total_mb),
    anomaly: text([from.anomaly, same && `same as the rtx4090 row ${same}`].filter(Boolean).join("; ")),
  };
}

function energyRow(from: Published, models: Models): Row {
  const common = setting("energy", from, models);
  return {
    ...common,
    cell: `energy/${common.model}/${from.device}/${from.seq_len}`,
    phase: text(from.phase),
    prompt_tokens: number(from.seq_len),
    method: "nvidia_smi_power_every_100_ms",
    energy_j: number(from.energy_j),
  };
}

function operatorRow(from: Published, models: Models, latency: Row[]): Row {
  const common = setting("operators", from, models);
  // Only the fine classes are drawn. The figures of a profile stand with its whole-pass row in latency.csv.
  const pass = latency.find((row) => row.source?.split(" ")[0] === from.source);
  const row: Row = {
    ...common,
    cell: `operators/${common.model}/${from.device}/${from.seq_len}`,
    phase: text(from.phase),
    prompt_tokens: number(from.seq_len),
    method: "torch_profiler_direct_children",
    aggregated_samples: number(from.passes),
    breakdown: text(from.breakdown),
    op_class: text(from.op_class),
    op_calls: number(from.calls),
    op_passes: number(from.passes),
    op_cpu_us: number(from.cpu_us),
    op_device_us: number(from.gpu_us),
    op_latency_us: number(from.latency_us),
    op_uniform_latency_us: number(from.uniform_latency_us),
    op_share_pct: number(from.share_pct),
    op_device_share_pct: number(from.gpu_share_pct),
    op_uniform_share_pct: number(from.uniform_share_pct),
    op_uniform_device_share_pct: number(from.uniform_gpu_share_pct),
    figure: from.breakdown === "fine" ? (pass?.figure ?? null) : null,
  };
  return { ...row, panel: panels(row) };
}

function accuracyRow(from: Published, models: Models): Row {
  const common = identity("accuracy", from, models);
  return {
    ...common,
    cell: `accuracy/${common.model}/${from.task}`,
    task: text(from.task),
    accuracy_pct: number(from.accuracy_pct),
    shots: number(from.shots),
    panel: panels(common),
  };
}

function limitRow(from: Published, models: Models, memory: Row[]): Row {
  const common = setting("limit", from, models);
  const largest = memory.find(
    ({ cell }) => cell === `memory/${common.model}/${from.device}/${from.max_ok_seq_len}`,
  );
  return {
    ...common,
    cell: `limit/${common.model}/${from.device}`,
    phase: "prefill",
    batch: 1,
    method: "largest_published_length",
    total_bytes: mebibytes(from.total_mb_at_max),
    max_prompt_tokens: number(from.max_ok_seq_len),
    next_prompt_tokens: number(from.next_grid_seq_len),
    memory_limit_bytes: mebibytes(from.device_memory_limit_line_mb),
    figure: largest?.figure ?? null,
    anomaly: text(from.note),
    source: largest?.source ?? null,
  };
}

/** What every row says of itself and its model. */
function identity(kind: PaperKind, from: Published, models: Models): Row & { model: string } {
  return {
    kind,
    status: "ok",
    campaign: "paper",
    model: models(from.hf_id!).model,
    hf_id: text(from.hf_id),
    family: text(from.family),
    weights: "checkpoint",
    figure: text(from.figure),
    anomaly: text(from.anomaly),
    source: text(from.source),
  };
}

/** The identity and how the artifact ran the model. */
function setting(kind: PaperKind, from: Published, models: Models): Row & { model: string } {
  return {
    ...identity(kind, from, models),
    dtype: models(from.hf_id!).dtype,
    device: text(from.device),
    ep: "pytorch",
    batch: number(from.batch),
    prefill: "monolithic",
    logits: "all",
  };
}
