import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { importRows } from "../../src/import/index.js";
import { REGISTRY } from "../../src/models/index.js";
import { fitScaling } from "../../src/analyze/index.js";
import { formatJsonLines, rowsToTable, type Row } from "../../src/record/index.js";
import { temporaryFolder } from "../record/sample-rows.js";

const FIXTURES = join(import.meta.dirname, "../fixtures/import");
const fixture = (name: string): string => readFileSync(join(FIXTURES, name), "utf8");
const read = (name: string, set: Row = {}): Row[] =>
  importRows(join(FIXTURES, name), { models: REGISTRY, set });

/** The columns of each row that are asked for. */
const only = (rows: readonly Row[], ...names: (keyof Row)[]): unknown[][] =>
  rows.map((row) => names.map((name) => row[name] ?? null));

test("llama-bench: each repetition is a sample, under the registry's name, with build and backend", () => {
  const rows = read("llama-bench.json");
  assert.deepEqual(
    only(
      rows,
      "phase",
      "prompt_tokens",
      "new_tokens",
      "ttft_ms",
      "e2e_ms",
      "tpot_ms",
      "decode_tokens_per_s",
      "repeat",
    ),
    [
      ["prefill", 512, 0, 74, 74, null, null, 0],
      ["prefill", 512, 0, 70, 70, null, null, 1],
      ["decode", 512, 128, null, null, 2, 500, 0],
    ],
  );
  const { ep_options, ...row } = rows[0]!;
  assert.deepEqual(
    only(
      [row],
      "model",
      "family",
      "dtype",
      "device",
      "ep",
      "threads",
      "weights_bytes",
      "parameters",
      "measured_at",
      "source",
    ),
    [
      [
        "qwen2.5-0.5b",
        "transformer",
        "q4_k_m",
        "NVIDIA GeForce RTX 4080",
        "llama.cpp",
        null,
        397807616,
        630167424,
        "2025-04-24T11:58:50Z",
        "llama-bench: llama-bench.json",
      ],
    ],
  );
  assert.deepEqual(
    ep_options?.filter((one) => /backends|layers|build|n_depth/.test(one)),
    ["backends=CUDA", "n_gpu_layers=99", "n_depth=0", "build=8cf427ff"],
  );
  assert.equal(rows[0]!.cell, rows[1]!.cell);
  assert.notEqual(rows[0]!.cell, rows[2]!.cell);
});

test("peer-torch: a row a sample, of the engine, with what computed it; what did not run keeps its reason", () => {
  const rows = read("peer-torch.jsonl");
  assert.deepEqual(
    only(rows, "status", "prompt_tokens", "ttft_ms", "tpot_ms", "e2e_ms", "cuda_graph", "repeat"),
    [
      ["ok", 1024, 40, 1.5, 40 + 64 * 1.5, true, 0],
      ["ok", 1024, 44, 1.75, 44 + 64 * 1.75, true, 1],
      ["oom", 1048576, null, null, null, true, 0],
    ],
  );
  const [row, , last] = rows;
  assert.equal(last!.status_reason, "OutOfMemoryError: CUDA out of memory.");
  assert.deepEqual(only([row!], "model", "family", "ep", "device", "weights", "dtype", "logits"), [
    ["mamba2-780m", "ssm", "pytorch", "NVIDIA H200", "random", "fp16", "last"],
  ]);
  assert.deepEqual(row!.ep_options!.slice(0, 2), ["variant=graph", "torch=2.11.0+cu130"]);
});

test("llama-bench: JSON lines give the same rows, CSV the means", (t) => {
  const folder = temporaryFolder(t);
  const tests = JSON.parse(fixture("llama-bench.json")) as Record<string, unknown>[];
  writeFileSync(join(folder, "lines.jsonl"), tests.map((one) => `${JSON.stringify(one)}\n`).join(""));
  const unsourced = (rows: Row[]) => rows.map(({ source, ...row }) => row);
  assert.deepEqual(
    unsourced(importRows(join(folder, "lines.jsonl"), { models: REGISTRY })),
    unsourced(read("llama-bench.json")),
  );
  const names = Object.keys(tests[0]!).filter((name) => !name.startsWith("samples"));
  const csv = [
    names.join(","),
    ...tests.map((one) => names.map((name) => `"${String(one[name])}"`).join(",")),
  ];
  writeFileSync(join(folder, "means.csv"), csv.join("\n"));
  assert.deepEqual(
    only(
      importRows(join(folder, "means.csv")),
      "method",
      "phase",
      "ttft_ms",
      "tpot_ms",
      "aggregated_samples",
    ),
    [
      ["llama_bench_mean", "prefill", 72, null, null],
      ["llama_bench_mean", "decode", null, 2, null],
    ],
  );
});

test("vllm bench serve: each request, or the medians where there are no details; many at once are suspect", (t) => {
  const columns = [
    "prompt_tokens",
    "new_tokens",
    "ttft_ms",
    "tpot_ms",
    "e2e_ms",
    "verdict",
    "aggregated_samples",
  ] as const;
  const rows = read("vllm-serve.json");
  assert.deepEqual(
    only(rows, ...columns).map((row) =>
      row.map((cell) => (typeof cell === "number" ? Number(cell.toFixed(6)) : cell)),
    ),
    [
      [1024, 5, 20, 10, 60, null, 1],
      [1024, 3, 30, 30, 90, null, 1],
    ],
  );
  assert.deepEqual(rows[1]!.itl_ms, [20, 40]);
  assert.deepEqual(only(rows, "model", "hf_id", "ep", "batch")[0], [
    "qwen2.5-0.5b",
    "Qwen/Qwen2.5-0.5B-Instruct",
    "openai",
    1,
  ]);
  const { ttfts, itls, input_lens, output_lens, ...summary } = JSON.parse(
    fixture("vllm-serve.json").replace("NaN", "null"),
  ) as Record<string, unknown>;
  assert.ok(ttfts && itls && input_lens && output_lens);
  const file = join(temporaryFolder(t), "many.json");
  writeFileSync(
    file,
    `${JSON.stringify({ ...summary, max_concurrency: 8 })}\n${JSON.stringify({ ...summary, max_concurrency: null })}\n`,
  );
  assert.deepEqual(only(importRows(file), ...columns), [
    [1024, 4, 24, 19, null, "suspect", 2],
    [1024, 4, 24, 19, null, "suspect", 2],
  ]);
});

test("vllm bench latency says neither model nor lengths: they are asked for, by name", () => {
  const said = { model: "qwen2.5-0.5b", prompt_tokens: 1024, new_tokens: 128, batch: 8 };
  assert.deepEqual(
    only(read("vllm-latency.json", said), "model", "family", "prompt_tokens", "batch", "e2e_ms", "repeat"),
    [
      ["qwen2.5-0.5b", "transformer", 1024, 8, 200, 0],
      ["qwen2.5-0.5b", "transformer", 1024, 8, 400, 1],
    ],
  );
  for (const name of ["model", "prompt_tokens", "new_tokens", "batch"] as const)
    assert.throws(() => read("vllm-latency.json", { ...said, [name]: null }), {
      name: "UserError",
      message: new RegExp(`vllm-latency\\.json does not say its ${name}; add it: --set ${name}=VALUE`),
    });
});

test("AIPerf: requests take their model from the summary beside them, and are not counted twice", () => {
  const rows = read("aiperf");
  assert.deepEqual(
    only(
      rows,
      "status",
      "model",
      "prompt_tokens",
      "new_tokens",
      "ttft_ms",
      "tpot_ms",
      "e2e_ms",
      "status_reason",
    ),
    [
      ["ok", "mamba2-780m", 550, 9, 255.5, 5.25, 297.5, null],
      ["failed", "mamba2-780m", null, null, null, null, null, "Request was cancelled after 0.000 seconds"],
    ],
  );
  assert.equal(rows[0]!.measured_at, "2025-10-07T05:00:07.532Z");
  assert.deepEqual(
    only(
      read("aiperf/profile_export_aiperf.json"),
      "model",
      "method",
      "aggregated_samples",
      "ttft_ms",
      "tpot_ms",
      "e2e_ms",
    ),
    [["mamba2-780m", "aiperf_median", 97, 110.5, 11.5, 300.5]],
  );
});

test("GenAI-Perf: numbers as text and nanoseconds", () => {
  assert.deepEqual(
    only(
      read("genai-perf.json"),
      "model",
      "method",
      "prompt_tokens",
      "new_tokens",
      "ttft_ms",
      "tpot_ms",
      "e2e_ms",
    ),
    [["gpt2_vllm", "genai_perf_median", 550, 18, 20.5, 3.5, 87]],
  );
});

test("ELANA's log: size, TTFT, TPOT and TTLT with their settings and energies", () => {
  const rows = read("elana.txt");
  assert.deepEqual(
    only(
      rows,
      "kind",
      "phase",
      "batch",
      "prompt_tokens",
      "new_tokens",
      "ttft_ms",
      "tpot_ms",
      "e2e_ms",
      "energy_j",
      "cuda_graph",
      "aggregated_samples",
    ),
    [
      ["memory", "prefill", 2, 1024, null, null, null, null, null, null, null],
      ["latency", "prefill", 2, 1024, null, 41.25, null, null, null, null, 100],
      ["energy", "prefill", 2, 1024, null, null, null, null, 9.9, null, 100],
      ["latency", "decode", 2, 1024, null, null, 3.5, null, null, true, 100],
      ["energy", "decode", 2, 1024, 1, null, null, null, 0.84, true, 100],
      ["latency", "both", 2, 1024, 128, null, null, 485.75, null, false, 10],
      ["energy", "both", 2, 1024, 128, null, null, null, 117.5, false, 10],
    ],
  );
  assert.deepEqual(only(rows.slice(0, 1), "model", "dtype", "weights_bytes", "kv_cache_bytes"), [
    ["llama-3.2-1b", "bf16", 2_472_000_000, 67_000_000],
  ]);
  assert.equal(rows[4]!.energy_per_token_j, 0.42);
});

test("imported rows are rows: they are written, and fitted beside others", () => {
  const all = [...read("llama-bench.json"), ...read("elana.txt"), ...read("aiperf")];
  assert.ok(formatJsonLines(all).length > 0);
  const lengths = [256, 512, 1024].flatMap((prompt_tokens) =>
    read("llama-bench.json").map((row) => ({
      ...row,
      prompt_tokens,
      ttft_ms: row.ttft_ms == null ? null : prompt_tokens,
    })),
  );
  const fits = fitScaling(rowsToTable(lengths.filter(({ phase }) => phase === "prefill")), {
    metric: "ttft_ms",
  });
  assert.equal(fits[0]!.series.model, "qwen2.5-0.5b");
});

test("a malformed file is named with line and column", (t) => {
  const folder = temporaryFolder(t);
  const refused = (name: string, text: string, message: RegExp): void => {
    const path = join(folder, name);
    writeFileSync(path, text);
    assert.throws(() => importRows(path), { name: "UserError", message }, name);
  };
  const bench = fixture("llama-bench.json");
  refused(
    "a.json",
    bench.replace("[74000000, 70000000]", "[74000000, oops]"),
    /a\.json line 36 column 30: this is no JSON \(invalid symbol\)/,
  );
  refused("b.json", bench.slice(0, -3), /b\.json line \d+ column \d+: this is no JSON \(close/);
  refused(
    "c.json",
    bench.replace("[74000000, 70000000]", '"fast"'),
    /c\.json line 36 column 19: samples_ns must be a list of numbers, found 'fast'/,
  );
  refused("d.json", bench.replace('"n_gen": 0,', ""), /d\.json line 2 column 3: n_gen is missing/);
  refused(
    "e.json",
    bench.replace('"n_prompt": 512', '"n_prompt": "many"'),
    /e\.json line 28 column 17: n_prompt must be a number, found 'many'/,
  );
  refused(
    "f.jsonl",
    `${fixture("aiperf/profile_export.jsonl")}{"metadata": \n`,
    /f\.jsonl line 3 column 14: this is no JSON/,
  );
  refused(
    "g.jsonl",
    fixture("aiperf/profile_export.jsonl").replace('"unit": "ms"', '"unit": "weeks"'),
    /g\.jsonl line 1 column \d+: unit must be a unit of time or a count, found 'weeks'/,
  );
  refused(
    "h.log",
    fixture("elana.txt").replace("latency: 3.50 milli", "latency: 3,50 milli"),
    /h\.log line 18 column \d+: a number must stand here, found "3,50"/,
  );
  refused("i.json", "{}", /i\.json is of no known format \(llama-bench, vllm-serve, .*--format/);
  refused("j.json", "[]", /of no known format/);
});

test("what cannot be imported is said", (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(join(folder, "empty"));
  assert.throws(() => importRows(join(folder, "nowhere")), {
    name: "UserError",
    message: /^There is no file or folder/,
  });
  assert.throws(() => importRows(join(folder, "empty")), {
    name: "UserError",
    message: /empty is of no known format/,
  });
  assert.throws(() => importRows(join(FIXTURES, "elana.txt"), { format: "elena" }), {
    name: "UserError",
    message: /the format is "elena"; it must be one of llama-bench/,
  });
  assert.throws(() => importRows(join(FIXTURES, "aiperf/profile_export.jsonl"), { format: "elana" }), {
    name: "UserError",
    message: /holds no measurement/,
  });
});
