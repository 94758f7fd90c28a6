import type { Dtype, Ep } from "../plan.js";
import type { Lowering, QuantizedLinears } from "../../models/index.js";
import type { Check } from "./compare.js";
import type { Tolerance } from "./tolerances.js";

/** What the gate found of one setting of one model. */
export interface GateResult {
  readonly model: string;
  /** As in a row's column: random, or the checkpoint. */
  readonly weights: string;
  readonly ep: Ep;
  readonly device: string;
  readonly dtype: Dtype;
  readonly quant: QuantizedLinears | null;
  /** Of the prefill; null where the architecture has no SSM block. */
  readonly lowering: Lowering | null;
  readonly decodeLowering: Lowering | null;
  readonly fusedProducts?: true;
  /** null on a CPU. */
  readonly cudaGraph: boolean | null;
  /** `unsupported`: the provider lacks a kernel; `not-run`: for a reason that may pass, e.g. out of memory. */
  readonly status: "passed" | "failed" | "unsupported" | "not-run";
  /** Why it did not pass. */
  readonly reason: string | null;
  readonly tolerance: Tolerance;
  readonly checks: readonly Check[];
  /** UTC, ISO 8601. */
  readonly measuredAt: string;
}

/** A result as one line of a table. Errors are relative to the reference's largest |logit| at their position. */
export interface GateRow {
  readonly model: string;
  readonly dtype: Dtype;
  readonly quant_block: number | null;
  readonly lowering: string | null;
  readonly cuda_graph: boolean | null;
  readonly prefill_max_error: number | null;
  readonly prefill_mean_error: number | null;
  readonly decode_max_error: number | null;
  readonly decode_mean_error: number | null;
  readonly max_tolerance: number;
  /** How many of the reference's clear next tokens the candidate has too. */
  readonly greedy: string | null;
  readonly verdict: GateResult["status"];
}

/** A verdict of the gate as a row of the schema. */
export function gateRow({ tolerance, checks, ...result }: GateResult): GateRow {
  const worst = (phase: Check["phase"], error: "maxError" | "meanError"): number | null => {
    const errors = checks.filter((check) => check.phase === phase).map((check) => check[error]);
    return errors.length > 0 ? Math.max(...errors) : null;
  };
  const sum = (count: "decisive" | "disagreeing"): number =>
    checks.reduce((total, check) => total + check[count], 0);
  const { model, dtype, quant, lowering, decodeLowering, cudaGraph, status } = result;
  return {
    model,
    dtype,
    quant_block: quant?.block ?? null,
    lowering: lowering === decodeLowering ? lowering : `${lowering ?? "none"} + ${decodeLowering ?? "none"}`,
    cuda_graph: cudaGraph,
    prefill_max_error: worst("prefill", "maxError"),
    prefill_mean_error: worst("prefill", "meanError"),
    decode_max_error: worst("decode", "maxError"),
    decode_mean_error: worst("decode", "meanError"),
    max_tolerance: tolerance.max,
    greedy: checks.length > 0 ? `${sum("decisive") - sum("disagreeing")}/${sum("decisive")}` : null,
    verdict: status,
  };
}
