import { NativeError, providerOptions, type CudaOptions } from "../ort/index.js";
import { CHEAPEST_CHUNK, cost } from "../models/index.js";
import type { Row } from "../record/index.js";
import { activationType } from "./graph-options.js";
import { isOutOfHostMemory } from "./host-memory.js";
import type { Loaded, Measured } from "./loaded.js";
import type { Sample, WarmUp } from "./measure.js";
import { isOnnxCell } from "./onnx/plan.js";
import type { AnyCell, Cell } from "./plan.js";
import { judgeVerdict, type VerdictEvidence } from "./verdict.js";

/** The columns that every row of a cell shares: the model and the setting. */
export function cellColumns(cell: AnyCell): Row {
  const { model } = cell;
  return {
    kind: "latency",
    cell: cell.key,
    model: model.name,
    hf_id: model.hfId || null,
    family: model.family,
    weights: isOnnxCell(cell) ? "exported" : weightsName(cell),
    parameters: model.parameters,
    dtype: cell.dtype,
    quant_block: cell.quant?.block ?? null,
    quant_compute: cell.quant && (cell.quant.int8Compute ? "int8" : "float"),
    lowering: cell.lowering,
    decode_lowering: cell.decodeLowering,
    fused_products: cell.fusedProducts ?? null,
    ep: cell.ep,
    ep_options: cell.cuda && epOptions(cell.cuda),
    memory_limit_bytes: cell.memoryBytes,
    threads: cell.threads,
    phase: "both",
    batch: cell.batch,
    prompt_tokens: cell.promptTokens,
    prompt: cell.prompt?.name ?? "seeded",
    new_tokens: cell.newTokens,
    prefill: cell.prefill,
    segment_tokens: cell.segmentTokens,
    logits: cell.logits,
    method: "unprofiled_generate",
    aggregated_samples: 1,
    seed: cell.seed,
    ...workColumns(cell),
    source: "measured",
  };
}

/** What a pass must compute and move. Of an exported model only the graph is known, not what it must do. */
function workColumns(cell: AnyCell): Row {
  if (isOnnxCell(cell)) return {};
  const { model, batch, promptTokens, newTokens, logits, quant } = cell as Cell;
  const how = {
    batch,
    dtype: activationType(cell),
    chunk: CHEAPEST_CHUNK,
    ...(quant && { quantized: quant }),
  };
  const prefill = cost(model, { ...how, phase: "prefill", promptTokens, logits });
  // Steps are fed the new tokens but the last, at positions from promptTokens on; their work grows by the same each.
  const position = promptTokens + Math.floor(Math.max(0, newTokens - 2) / 2);
  const decode = newTokens > 1 ? cost(model, { ...how, phase: "decode", position }) : null;
  return {
    prefill_flops: prefill.flops,
    prefill_moved_bytes: prefill.bytes,
    decode_flops: decode && decode.flops,
    decode_moved_bytes: decode && decode.bytes,
  };
}

/** What a row says of its weights. */
export const weightsName = ({ weights }: Pick<AnyCell, "weights">): string =>
  weights ? `${weights.name}@${weights.hash}` : "random";

/** The options that sessions are given, in the provider's own names, but for limits and graphs, which have columns. */
const epOptions = (cuda: CudaOptions): string[] =>
  Object.entries(providerOptions(cuda)).map(([key, value]) => `${key}=${value}`);

/** Columns of one sample. */
export function sampleColumns(cell: AnyCell, { ttftMs, itlMs, e2eMs }: Sample): Row {
  const decodeMs = e2eMs - ttftMs;
  const decoded = itlMs.length * cell.batch;
  return {
    status: "ok",
    ttft_ms: ttftMs,
    itl_ms: [...itlMs],
    tpot_ms: itlMs.length > 0 ? decodeMs / itlMs.length : null,
    e2e_ms: e2eMs,
    decode_tokens_per_s: itlMs.length > 0 ? (1000 * decoded) / decodeMs : null,
    overall_tokens_per_s: (1000 * cell.batch * (cell.promptTokens + cell.newTokens)) / e2eMs,
  };
}

/** Where the process's memory has gone; the parts and the residual add up to the process. */
export function memoryColumns(generator: Measured, { device, weights, memory }: Loaded): Row {
  const { parameterBytes, tableBytes } = weights;
  const { heldStateBytes, peakActivationBytes, reservedBytes } = generator;
  const held = parameterBytes + tableBytes + heldStateBytes;
  const processBytes = memory.bytes();
  return {
    weights_bytes: parameterBytes,
    table_bytes: tableBytes,
    kv_cache_bytes: generator.kvCacheBytes,
    ssm_state_bytes: generator.ssmStateBytes,
    conv_state_bytes: generator.convStateBytes,
    peak_activation_bytes: peakActivationBytes,
    arena_slack_bytes: reservedBytes - peakActivationBytes,
    reserved_bytes: reservedBytes,
    context_bytes: generator.contextBytes,
    residual_bytes: processBytes - generator.contextBytes - held - reservedBytes,
    total_bytes: held + peakActivationBytes,
    process_rss_bytes: process.memoryUsage.rss(),
    process_device_bytes: device.ep === "cpu" ? null : processBytes,
    weights_upload_bytes_per_s: weights.uploadBytesPerS,
  };
}

/** What is known of memory before there are sessions. */
export function heldColumns({ device, weights, memory }: Loaded): Row {
  return {
    weights_bytes: weights.parameterBytes,
    table_bytes: weights.tableBytes,
    process_device_bytes: device.ep === "cpu" ? null : memory.bytes(),
  };
}

/**
 * A row for a cell that could not be measured: running out of memory is a finding, an error of the runtime a failure.
 * Null for errors that are none of the cell's.
 */
export function failureColumns(error: unknown): Row | null {
  if (error instanceof NativeError)
    return {
      status: error.isOutOfMemory ? "oom" : "failed",
      status_reason: error.message,
      failed_allocation_bytes: error.isOutOfMemory ? error.requestedBytes : null,
    };
  if (isOutOfHostMemory(error)) return { status: "oom", status_reason: error.message };
  return null;
}

/** Columns of a sample's verdict, and of what it rests on. */
export function verdictColumns(warm: WarmUp, evidence: Omit<VerdictEvidence, "isWarm">): Row {
  return {
    gate: evidence.gate,
    warmup_runs: warm.runs,
    warmup_stable: warm.stable,
    ...judgeVerdict({ ...evidence, isWarm: warm.stable }),
  };
}
