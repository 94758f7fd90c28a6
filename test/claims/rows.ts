import type { ColumnTable } from "arquero";
import { rowsToTable, type Row } from "../../src/record/index.js";

/** A setting as `run` writes it, on a GPU that is none of the paper's. */
export const SETTING: Row = {
  kind: "latency",
  status: "ok",
  campaign: "test",
  family: "ssm",
  weights: "random",
  dtype: "fp16",
  device: "NVIDIA H200",
  ep: "cuda",
  phase: "both",
  batch: 1,
  prompt: "seeded",
  new_tokens: 256,
  prefill: "monolithic",
  logits: "all",
  method: "unprofiled_generate",
};

/** Ten samples a length around given values, one per mille of scatter each step. */
export function samples(
  model: string,
  metric: "ttft_ms" | "tpot_ms" | "peak_activation_bytes" | "total_bytes" | "kv_cache_bytes" | "energy_j",
  values: Record<number, number>,
  setting: Row = {},
): Row[] {
  return Object.entries(values).flatMap(([tokens, value]) =>
    [-4.5, -3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 4.5].map((step) => ({
      ...SETTING,
      ...setting,
      model,
      prompt_tokens: Number(tokens),
      [metric]: value * (1 + step / 1000),
    })),
  );
}

export const tableOf = (...rows: Row[][]): ColumnTable => rowsToTable(rows.flat());
