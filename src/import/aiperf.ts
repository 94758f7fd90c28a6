/**
 * NVIDIA's AIPerf (profile_export.jsonl, a request a line, and profile_export_aiperf.json, schema 1.0 to 1.4) and its
 * predecessor GenAI-Perf (profile_export_genai_perf.json). Both measure an endpoint from outside: times hold the time in the
 * server's queue. A per-request file does not name its model; the summary beside it does.
 */
import type { Row } from "../record/index.js";
import type { Fields } from "./fields.js";
import type { Format } from "./format.js";
import { jsonRecords } from "./json.js";

export const aiperfRequests: Format = {
  name: "aiperf-requests",
  detect: (text) =>
    ["benchmark_phase", "request_start_ns", "metrics"].every((name) =>
      text.slice(0, 20_000).includes(`"${name}"`),
    ),
  parse: (text, file) => jsonRecords(text, file).flatMap(requestRow),
};

export const aiperfSummary: Format = {
  name: "aiperf",
  detect: (text) =>
    ["input_config", "request_latency", "request_throughput"].every((name) => text.includes(`"${name}"`)),
  parse: (text, file) => jsonRecords(text, file).map(summaryRow),
};

const COMMON: Row = { ep: "endpoint", weights: "checkpoint", phase: "both" };

function requestRow(record: Fields): Row[] {
  const metadata = record.object("metadata");
  if (metadata?.text("benchmark_phase") === "warmup") return [];
  const start = metadata?.number("request_start_ns") ?? null;
  const common: Row = {
    ...COMMON,
    method: "aiperf_request",
    aggregated_samples: 1,
    measured_at: start === null ? null : new Date(start / 1e6).toISOString(),
  };
  const error = record.object("error");
  if (error)
    return [{ ...common, status: "failed", status_reason: error.text("message") ?? error.text("type") }];
  const metrics = record.object("metrics");
  const value = (name: string): number | null => {
    const metric = metrics?.object(name) ?? null;
    return metric && inOwnUnit(metric, metric.number("value"));
  };
  return [{ ...common, ...columns(value) }];
}

function summaryRow(result: Fields): Row {
  const median = (name: string): number | null => {
    const metric = result.object(name);
    return metric && inOwnUnit(metric, metric.number("p50") ?? metric.number("avg"));
  };
  return {
    ...COMMON,
    ...modelOf(result),
    method: result.has("aiperf_version") ? "aiperf_median" : "genai_perf_median",
    aggregated_samples: median("request_count"),
    measured_at: result.text("start_time"),
    ...columns(median),
  };
}

function columns(value: (name: string) => number | null): Row {
  return {
    // The names of GenAI-Perf before 0.0.3 come second.
    prompt_tokens: value("input_sequence_length") ?? value("num_input_token"),
    new_tokens: value("output_sequence_length") ?? value("num_output_token"),
    ttft_ms: value("time_to_first_token"),
    tpot_ms: value("inter_token_latency"),
    e2e_ms: value("request_latency"),
  };
}

const MS: Record<string, number> = { ms: 1, ns: 1e-6, us: 1e-3, sec: 1e3, s: 1e3, seconds: 1e3 };
const PLAIN = ["tokens", "requests", "count"];

/** Times in milliseconds; counts as they are. */
function inOwnUnit(metric: Fields, value: number | null): number | null {
  const unit = metric.text("unit");
  if (value === null || unit === null || PLAIN.includes(unit)) return value;
  const factor = MS[unit];
  if (factor === undefined) throw metric.wrong("unit", "a unit of time or a count", unit);
  return value * factor;
}

/** Where the configurations of AIPerf (by age, latest last) and of GenAI-Perf have their models. */
const MODEL_PATHS = [["endpoint", "model_names"], ["models", "items"], ["model_names"], ["model"]] as const;

function modelOf(result: Fields): Row {
  const found = MODEL_PATHS.map((path) =>
    path.reduce<unknown>(
      (value, key) => (value as Record<string, unknown> | null)?.[key],
      result.raw("input_config"),
    ),
  );
  const names = found.flat().map((item) => (item as { name?: unknown } | null | undefined)?.name ?? item);
  const [name, second] = new Set(names.filter((one) => typeof one === "string"));
  if (second !== undefined) throw result.wrong("input_config", "of one model", [name, second]);
  return name === undefined ? {} : { model: name, hf_id: name.includes("/") ? name : null };
}
