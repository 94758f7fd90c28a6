/**
 * llama-bench of llama.cpp, `-o json`, `jsonl` or `csv` (tools/llama-bench/README.md, build 5163). A test processes a prompt
 * (pp), generates tokens (tg) or does both (pg), behind `n_depth` tokens of context. Its times leave out tokenization and
 * sampling; JSON has one a repetition, CSV their mean.
 */
import type { Row } from "../record/index.js";
import { csvHeader, csvRecords } from "./csv.js";
import type { Fields } from "./fields.js";
import type { Format } from "./format.js";
import { jsonRecords } from "./json.js";

export const llamaBench: Format = {
  name: "llama-bench",
  detect: (text) => MARKS.every((name) => text.includes(name)),
  parse: (text, file) => {
    const isCsv = csvHeader(text).includes(MARKS[0]);
    return (isCsv ? csvRecords(text, file) : jsonRecords(text, file)).flatMap(testRows);
  },
};

const MARKS = ["avg_ts", "n_prompt", "n_gen", "model_filename"] as const;

function testRows(test: Fields): Row[] {
  const common = commonColumns(test);
  const samples = test.numbers("samples_ns");
  if (samples === null)
    return [{ ...common, method: "llama_bench_mean", ...times(test, test.needNumber("avg_ns")) }];
  return samples.map((ns, repeat) => ({
    ...common,
    method: "llama_bench",
    aggregated_samples: 1,
    repeat,
    ...times(test, ns),
  }));
}

/** What a time says. Behind a context it is no time to first token of its prompt, only a rate. */
function times(test: Fields, ns: number): Row {
  const prompt = test.needNumber("n_prompt");
  const generated = test.needNumber("n_gen");
  const depth = test.number("n_depth") ?? 0;
  const ms = ns / 1e6;
  if (prompt === 0)
    return {
      phase: "decode",
      prompt_tokens: depth,
      new_tokens: generated,
      tpot_ms: ms / generated,
      decode_tokens_per_s: (1000 * generated) / ms,
    };
  return {
    phase: generated === 0 ? "prefill" : "both",
    prompt_tokens: prompt,
    new_tokens: generated,
    ...(depth === 0 && { ttft_ms: generated === 0 ? ms : null, e2e_ms: ms }),
    overall_tokens_per_s: (1000 * (prompt + generated)) / ms,
  };
}

const OPTIONS = [
  "backends",
  "n_gpu_layers",
  "n_batch",
  "n_ubatch",
  "type_k",
  "type_v",
  "flash_attn",
  "n_depth",
];

function commonColumns(test: Fields): Row {
  const file = test.needText("model_filename");
  const stem = file
    .split(/[\\/]/)
    .at(-1)!
    .replace(/\.gguf$/i, "");
  const [, name = stem, quant] = /^(.*?)[-.](i?q\d\w*|f16|bf16|f32|mxfp4\w*)$/i.exec(stem) ?? [];
  const onGpu = (test.number("n_gpu_layers") ?? 0) > 0 && test.text("gpu_info") !== null;
  return {
    model: name,
    weights: "checkpoint",
    parameters: test.number("model_n_params"),
    dtype: dtypeOf(quant),
    device: test.text(onGpu ? "gpu_info" : "cpu_info"),
    cpu_model: test.text("cpu_info"),
    ep: "llama.cpp",
    ep_options: [
      ...OPTIONS.filter((option) => test.has(option)).map((option) => `${option}=${test.words(option)}`),
      `build=${test.text("build_commit") ?? ""}`,
    ],
    threads: onGpu ? null : test.number("n_threads"),
    batch: 1,
    weights_bytes: test.number("model_size"),
    measured_at: test.text("test_time"),
  };
}

const FLOATS: Record<string, string> = { f16: "fp16", bf16: "bf16", f32: "fp32" };

const dtypeOf = (quant: string | undefined): string | null =>
  quant === undefined ? null : (FLOATS[quant.toLowerCase()] ?? quant.toLowerCase());
