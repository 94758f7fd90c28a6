/**
 * vLLM's benchmarks (vllm/benchmarks/serve.py and latency.py, 0.11): `vllm bench serve --save-result [--save-detailed]` and
 * `vllm bench latency --output-json`. Serving times are taken at the client and hold the time in the queue.
 */
import type { Row } from "../record/index.js";
import type { Fields } from "./fields.js";
import type { Format } from "./format.js";
import { jsonRecords } from "./json.js";

export const vllmServe: Format = {
  name: "vllm-serve",
  detect: (text) =>
    ["model_id", "request_throughput", "total_input_tokens"].every((name) => text.includes(`"${name}"`)),
  parse: (text, file) => jsonRecords(text, file).flatMap(serveRows),
};

export const vllmLatency: Format = {
  name: "vllm-latency",
  detect: (text) => ["avg_latency", "latencies", "percentiles"].every((name) => text.includes(`"${name}"`)),
  parse: (text, file) => jsonRecords(text, file).flatMap(latencyRows),
  needs: ["batch", "new_tokens"],
};

function latencyRows(result: Fields): Row[] {
  return (result.numbers("latencies") ?? []).map((seconds, repeat) => ({
    phase: "both",
    ep: "vllm",
    weights: "checkpoint",
    method: "vllm_bench_latency",
    aggregated_samples: 1,
    repeat,
    e2e_ms: seconds * 1000,
  }));
}

function serveRows(result: Fields): Row[] {
  const common = serveColumns(result);
  const ttfts = result.numbers("ttfts");
  return ttfts === null ? [summaryRow(result, common)] : requestRows(result, common, ttfts);
}

function serveColumns(result: Fields): Row {
  const concurrency = result.number("max_concurrency");
  const id = result.needText("model_id");
  return {
    model: id,
    hf_id: id.includes("/") ? id : null,
    weights: "checkpoint",
    ep: result.text("backend") ?? result.text("endpoint_type") ?? "vllm",
    ep_options: ["request_rate", "burstiness", "max_concurrency"]
      .filter((name) => result.has(name))
      .map((name) => `${name}=${result.words(name)}`),
    phase: "both",
    batch: concurrency === 1 ? 1 : null,
    measured_at: isoTime(result.text("date")),
    ...(concurrency !== 1 && { verdict: "suspect", verdict_reasons: ["concurrent-requests"] }),
  };
}

/** 20251215-021947, a local time without its zone, so it is kept as such. */
function isoTime(date: string | null): string | null {
  const [, y, mo, d, h, mi, s] = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)$/.exec(date ?? "") ?? [];
  return y === undefined ? date : `${y}-${mo!}-${d!}T${h!}:${mi!}:${s!}`;
}

function summaryRow(result: Fields, common: Row): Row {
  const completed = result.needNumber("completed");
  const mean = (total: string): number | null => {
    const tokens = result.number(total);
    return tokens === null || completed === 0 ? null : tokens / completed;
  };
  return {
    ...common,
    method: "vllm_bench_serve_median",
    aggregated_samples: completed,
    prompt_tokens: mean("total_input_tokens"),
    new_tokens: mean("total_output_tokens"),
    ttft_ms: result.number("median_ttft_ms"),
    tpot_ms: result.number("median_tpot_ms"),
    e2e_ms: result.number("median_e2el_ms"),
  };
}

function requestRows(result: Fields, common: Row, ttfts: readonly number[]): Row[] {
  const prompts = result.numbers("input_lens") ?? [];
  const outputs = result.numbers("output_lens") ?? [];
  const itls = result.list("itls") ?? [];
  const totals = result.numbers("latencies");
  const errors = result.list("errors") ?? [];
  return ttfts.map((ttft, i) => {
    const row: Row = {
      ...common,
      method: "vllm_bench_serve",
      aggregated_samples: 1,
      prompt_tokens: prompts[i] ?? null,
    };
    const error = errors[i];
    if (typeof error === "string" && error !== "") return { ...row, status: "failed", status_reason: error };
    const itl = itls[i];
    if (itl !== undefined && !isNumbers(itl)) throw result.wrong("itls", "a list of lists of numbers", itl);
    const seconds = totals?.[i] ?? itl?.reduce((sum, one) => sum + one, ttft);
    const tokens = outputs[i];
    return {
      ...row,
      new_tokens: tokens ?? null,
      ttft_ms: ttft * 1000,
      itl_ms: itl ? itl.map((one) => one * 1000) : null,
      e2e_ms: seconds === undefined ? null : seconds * 1000,
      tpot_ms:
        seconds === undefined || tokens === undefined || tokens < 2
          ? null
          : ((seconds - ttft) * 1000) / (tokens - 1),
    };
  });
}

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((one) => typeof one === "number");
