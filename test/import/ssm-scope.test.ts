import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { importRows } from "../../src/import/index.js";
import { REGISTRY } from "../../src/models/index.js";
import { loadPaper, tableToRows, type Row } from "../../src/record/index.js";
import { temporaryFolder } from "../record/sample-rows.js";

// The artifact's files are written here from the paper's rows, in the artifact's own columns and units
// (src/profiling/eval.py, src/memory/mem_footprint.py, commits 15fb861 and a4ffc01), so that the way back must give these rows.
const paper = tableToRows(loadPaper());
const csv = (header: string, records: (string | number | null | undefined)[][]): string =>
  [header, ...records.map((cells) => cells.map((cell) => cell ?? "").join(","))].join("\r\n");

const SHORT: Record<string, string> = {
  "qwen2.5-0.5b": "qwen25-instruct",
  "mamba2-780m": "mamba2",
  "falcon-h1-0.5b": "falcon-h1",
};

/** Equal in the columns that are named, numbers to the twelfth digit. */
function assertSame(read: readonly Row[], wanted: readonly Row[], names: readonly (keyof Row)[]): void {
  const digits = (rows: readonly Row[]): unknown[][] =>
    rows.map((row) =>
      names.map((name) => (typeof row[name] === "number" ? row[name].toPrecision(12) : (row[name] ?? null))),
    );
  assert.ok(wanted.length > 0);
  assert.deepEqual(digits(read), digits(wanted));
}

const importText = (path: string, text: string): Row[] => {
  writeFileSync(path, text);
  return importRows(path, { models: REGISTRY, set: { device: "rtx4090" } });
};

const IDENTITY = [
  "kind",
  "status",
  "model",
  "hf_id",
  "family",
  "weights",
  "device",
  "ep",
  "phase",
  "batch",
  "prompt_tokens",
  "prefill",
  "logits",
  "method",
] as const;

test("generation_times.csv gives the paper's rows of Figure 6b", (t) => {
  const wanted = paper.filter(({ figure, kind }) => kind === "latency" && figure === "6b");
  const text = csv(
    "model_name,input_seq_length,output_tokens,prefill_time_seconds,decode_time_seconds,total_time_seconds,tpot_seconds,throughput_tokens_per_sec,device,timestamp",
    wanted.map((row) => [
      `gen_${SHORT[row.model!]!}_cuda_${row.new_tokens!}_${row.prompt_tokens!}`,
      row.prompt_tokens,
      row.new_tokens,
      row.ttft_ms! / 1000,
      (row.e2e_ms! - row.ttft_ms!) / 1000,
      row.e2e_ms! / 1000,
      row.tpot_ms! / 1000,
      row.decode_tokens_per_s,
      "cuda",
      "2025-12-15 02:19:47",
    ]),
  );
  const read = importText(join(temporaryFolder(t), "generation_times.csv"), text);
  assertSame(read, wanted, [
    ...IDENTITY,
    "new_tokens",
    "ttft_ms",
    "tpot_ms",
    "e2e_ms",
    "decode_tokens_per_s",
    "overall_tokens_per_s",
  ]);
});

test("memory_footprints.csv gives the paper's memory rows, energy_data.csv its energies", (t) => {
  const folder = temporaryFolder(t);
  const onCard = (row: Row): boolean =>
    row.device === "rtx4090" && row.hf_id !== "Qwen/Qwen2.5-0.5B-Instruct-GPTQ-Int4";
  const mb = (bytes: number | null | undefined): number => bytes! / 2 ** 20;
  const memory = paper.filter((row) => row.kind === "memory" && onCard(row));
  const read = importText(
    join(folder, "memory_footprints.csv"),
    csv(
      "model_name,model_config,seq_len,batch_size,model_size_mb,activation_memory_mb,kv_cache_mb,reserved_memory_mb,total_memory_mb",
      memory.map((row) => [
        "short",
        row.hf_id,
        row.prompt_tokens,
        row.batch,
        mb(row.weights_bytes),
        mb(row.peak_activation_bytes),
        mb(row.kv_cache_bytes),
        mb(row.reserved_bytes),
        mb(row.total_bytes),
      ]),
    ),
  );
  assertSame(read, memory, [
    ...IDENTITY,
    "weights_bytes",
    "peak_activation_bytes",
    "kv_cache_bytes",
    "reserved_bytes",
    "total_bytes",
  ]);
  const energy = paper.filter((row) => row.kind === "energy" && onCard(row));
  const joules = importText(
    join(folder, "energy_data.csv"),
    csv(
      "model_name,seq_len,energy_joules,duration_per_pass_s,avg_power_watts,num_iterations,device,timestamp",
      energy.map((row) => [
        `${SHORT[row.model!]!}-energy_cuda_1_${row.prompt_tokens!}`,
        row.prompt_tokens,
        row.energy_j,
        0.5,
        300.5,
        50,
        "cuda",
        "2026-03-01 10:00:00",
      ]),
    ),
  );
  assertSame(joules, energy, [...IDENTITY, "energy_j"]);
  assert.deepEqual([joules[0]!.mean_power_w, joules[0]!.energy_passes], [300.5, 50]);
});

test("a profile folder gives the paper's operator classes; its other files are left alone", (t) => {
  const folder = join(temporaryFolder(t), "hymba_cuda_1_1024");
  mkdirSync(folder);
  const mine = paper.filter(
    ({ source, kind }) => kind === "operators" && source === "profile_data/hymba_cuda_1_1024",
  );
  const of = (breakdown: string): Row[] => mine.filter((row) => row.breakdown === breakdown);
  const header = ",name,cpu_time (us),cuda_time (us),total_time (us),count";
  const record = (
    name: string,
    row: Row,
    count: number | null | undefined,
  ): (string | number | null | undefined)[] => [
    0,
    name,
    row.op_cpu_us,
    row.op_device_us,
    row.op_latency_us,
    count,
  ];
  const THREE: Record<string, string> = { gemm: "GEMM", non_gemm: "NonGEMM", ssm: "SSM_Scan" };
  const FINE: Record<string, string> = { gemm: "GEMM", ssm_scan: "SSM_Scan", normalization: "nomralization" };
  const pass = of("aux").find(({ op_class }) => op_class === "whole_pass")!;
  const main = [
    record("inference_prof", pass, pass.op_calls),
    ...of("three_class").map((row) => record(THREE[row.op_class!]!, row, null)),
  ];
  const summary = of("fine").map((row) => record(FINE[row.op_class!] ?? row.op_class!, row, row.op_calls));
  writeFileSync(join(folder, "hymba_cuda_1_1024.csv"), csv(header, main));
  writeFileSync(join(folder, "summary_hymba_cuda_1_1024.csv"), csv(header, summary));
  writeFileSync(join(folder, "gemm.csv"), csv(header, [[0, "aten::mm", 1, 1, 2, 1]]));
  const read = importRows(join(folder, ".."), { models: REGISTRY, set: { device: "rtx4090" } });
  const columns = [
    ...IDENTITY,
    "breakdown",
    "op_class",
    "op_passes",
    "op_cpu_us",
    "op_device_us",
    "op_latency_us",
  ] as const;
  assertSame(read, [...of("three_class"), pass, ...of("fine")], columns);
  for (const row of read.filter(({ breakdown }) => breakdown !== "aux")) {
    const wanted = of(row.breakdown!).find(({ op_class }) => op_class === row.op_class)!;
    assert.ok(Math.abs(row.op_share_pct! - wanted.op_share_pct!) < 1e-3, row.op_class!);
    assert.ok(Math.abs(row.op_device_share_pct! - wanted.op_device_share_pct!) < 1e-3, row.op_class!);
  }
});

test("iteration_times.csv is profiled latency: it never meets unprofiled times in a fit", (t) => {
  const text = csv("model_name,seq_length,iteration,time_seconds,device,timestamp", [
    ["llama3_2_cuda_1_2048", 2048, 0, 0.125, "cuda", "2026-03-01 10:00:00"],
    ["llama3_2_cuda_1_2048", 2048, 1, 0.25, "cuda", "2026-03-01 10:00:01"],
  ]);
  const read = importText(join(temporaryFolder(t), "iteration_times.csv"), text);
  const columns = ["kind", "model", "ttft_ms", "repeat"] as const;
  assert.deepEqual(
    read.map((row) => columns.map((name) => row[name])),
    [
      ["profiled_latency", "llama-3.2-1b", 125, 0],
      ["profiled_latency", "llama-3.2-1b", 250, 1],
    ],
  );
});

test("a malformed line is named with its column", (t) => {
  const folder = temporaryFolder(t);
  const header =
    "model_name,model_config,seq_len,batch_size,model_size_mb,activation_memory_mb,kv_cache_mb,reserved_memory_mb,total_memory_mb";
  const good = "phi3,microsoft/Phi-3-mini-128k-instruct,256,1,7288.13,57.3,195.75,7566.0,7541.18";
  const refused = (bad: string, message: RegExp): void => {
    assert.throws(() => importText(join(folder, "memory_footprints.csv"), [header, good, bad].join("\n")), {
      name: "UserError",
      message,
    });
  };
  // As a line of the artifact is.
  refused(
    "qwen25-instruct-int4,Qwen/Qwen2.5-0.5B-Instruct-GPTQ-Int4,57344,1,259.74,19094.68,447.81",
    /memory_footprints\.csv line 3 column 8: 7 cells where the header has 9/,
  );
  refused(good.replace("7288.13", "7288,13"), /line 3 column 10: 10 cells where the header has 9/);
  refused(good.replace("256", "many"), /line 3 column 3: seq_len must be a number, found 'many'/);
  refused(good.replace("256", ""), /line 3: seq_len is missing/);
  refused(`"${good}`, /line 3: a quote/);
});
