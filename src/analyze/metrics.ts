import { COLUMNS, type ColumnName } from "../record/schema.js";
import { UserError } from "../errors.js";
import type { Form } from "./forms.js";
import type { Weighting } from "./weighting.js";

interface FitMetric {
  readonly title: string;
  readonly form: Form;
  readonly weighting: Weighting;
  /** What grows up to the length of a prefill segment, and then no more or otherwise: see `defaultShape`. */
  readonly kinksAtSegment?: true;
}

/**
 * What is fitted over the length, and how, unless the caller says otherwise.
 *
 * Reading the prompt costs a fixed part, a part a token (projections, SSM scan) and a part a pair of tokens
 * (attention), none of which is negative; so does its energy. Memory and the time of one more token have no pairs:
 * attention reads what it kept of each token once. A state does not grow at all.
 *
 * Times and joules scatter in proportion to their value (clocks, interruptions), so each counts relative to itself;
 * otherwise the longest of 128 to 220000 tokens would decide the curve alone. Bytes do not scatter: they deviate by
 * blocks of the allocator, and a cache may hold 0 of them, which no relative deviation can express.
 */
export const FIT_METRICS = {
  ttft_ms: { title: "TTFT", form: "quadratic", weighting: "relative" },
  e2e_ms: { title: "end-to-end time", form: "quadratic", weighting: "relative" },
  energy_j: { title: "energy", form: "quadratic", weighting: "relative" },
  tpot_ms: { title: "TPOT", form: "linear", weighting: "relative" },
  total_bytes: { title: "total memory", form: "linear", weighting: "uniform", kinksAtSegment: true },
  peak_activation_bytes: {
    title: "peak activation memory",
    form: "linear",
    weighting: "uniform",
    kinksAtSegment: true,
  },
  kv_cache_bytes: { title: "KV cache", form: "linear", weighting: "uniform" },
  ssm_state_bytes: { title: "SSM state", form: "constant", weighting: "uniform" },
  conv_state_bytes: { title: "convolution state", form: "constant", weighting: "uniform" },
} as const satisfies Partial<Record<ColumnName, FitMetric>>;

/** A metric that has a form to fit over the prompt length. */
export type FitMetricName = keyof typeof FIT_METRICS;

/** What a summary gives by default, where the table has it. */
export const SUMMARY_METRICS = [
  "ttft_ms",
  "tpot_ms",
  "e2e_ms",
  "decode_tokens_per_s",
  "overall_tokens_per_s",
  "weights_bytes",
  "kv_cache_bytes",
  "ssm_state_bytes",
  "conv_state_bytes",
  "peak_activation_bytes",
  "reserved_bytes",
  "total_bytes",
  "process_rss_bytes",
  "energy_j",
] as const satisfies readonly ColumnName[];

/** Refuses a metric that has no form to fit, for callers whose metric is text (a notebook, the command line). */
export function checkFitMetric(metric: string): asserts metric is FitMetricName {
  if (!Object.hasOwn(FIT_METRICS, metric))
    throw new UserError(`metric is ${metric}: it must be one of ${Object.keys(FIT_METRICS).join(", ")}`);
}

export function unitOf(metric: ColumnName): string {
  return COLUMNS[metric].unit;
}
