import type { Row } from "../record/index.js";
import type { Sample, WarmUp } from "./measure.js";
import type { Cell } from "./plan.js";

/** The columns that every row of a cell shares: the model and the setting. */
export function cellColumns(cell: Cell): Row {
  const { model } = cell;
  return {
    kind: "latency",
    cell: cell.key,
    model: model.name,
    hf_id: model.hfId,
    family: model.family,
    weights: "random",
    parameters: model.parameters,
    dtype: cell.dtype,
    lowering: cell.lowering,
    ep: cell.ep,
    threads: cell.threads,
    phase: "both",
    batch: cell.batch,
    prompt_tokens: cell.promptTokens,
    new_tokens: cell.newTokens,
    prefill: cell.prefill,
    segment_tokens: cell.segmentTokens,
    logits: cell.logits,
    method: "unprofiled_generate",
    aggregated_samples: 1,
    seed: cell.seed,
    source: "measured",
  };
}

/** Bytes of one generator, by what they hold. */
export interface Memory {
  readonly parameterBytes: number;
  readonly tableBytes: number;
  readonly kvCacheBytes: number;
  readonly ssmStateBytes: number;
  readonly convStateBytes: number;
  /** Caches and states as held: some states in two sets. */
  readonly heldStateBytes: number;
  readonly peakActivationBytes: number;
  readonly reservedBytes: number;
}

/** Columns of one sample. */
export function sampleColumns(cell: Cell, { ttftMs, itlMs, e2eMs }: Sample): Row {
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

export function memoryColumns(memory: Memory): Row {
  const { parameterBytes, tableBytes, heldStateBytes, peakActivationBytes } = memory;
  return {
    weights_bytes: parameterBytes,
    table_bytes: tableBytes,
    kv_cache_bytes: memory.kvCacheBytes,
    ssm_state_bytes: memory.ssmStateBytes,
    conv_state_bytes: memory.convStateBytes,
    peak_activation_bytes: peakActivationBytes,
    reserved_bytes: memory.reservedBytes,
    total_bytes: parameterBytes + tableBytes + heldStateBytes + peakActivationBytes,
  };
}

/** Whether the sample may be trusted as far as this engine can tell, and why not. */
export function verdictColumns(cell: Cell, { runs, stable }: WarmUp): Row {
  const reasons: string[] = [];
  if (!stable) reasons.push("unstable-warm-up");
  if (cell.beyondPositions !== null) reasons.push("beyond-positions");
  return {
    warmup_runs: runs,
    warmup_stable: stable,
    verdict: reasons.length > 0 ? "suspect" : "ok",
    verdict_reasons: reasons,
  };
}
