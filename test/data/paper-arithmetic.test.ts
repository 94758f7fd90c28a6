import assert from "node:assert/strict";
import { test } from "node:test";
import { loadPaper } from "../../src/record/load.js";
import type { Row } from "../../src/record/schema.js";
import { tableToRows } from "../../src/record/table.js";

/** Does the published data add up, and does it give the numbers that figures.md derives and the paper quotes? */

const latency = tableToRows(loadPaper("latency"));
const memory = tableToRows(loadPaper("memory"));
const energy = tableToRows(loadPaper("energy"));
const operators = tableToRows(loadPaper("operators"));
const accuracy = tableToRows(loadPaper("accuracy"));
const limits = tableToRows(loadPaper("limit"));

/** The number in a column of the one row whose columns have these values. */
function value(rows: Row[], column: keyof Row, values: Row): number {
  const names = Object.keys(values) as (keyof Row)[];
  const found = rows.filter((row) => names.every((name) => row[name] === values[name]));
  assert.equal(found.length, 1, `${found.length} rows are ${JSON.stringify(values)}`);
  return found[0]![column] as number;
}

/** Equal to as many digits as the expected value was written with. */
function equals(actual: number, expected: string): void {
  assert.equal(actual.toFixed(expected.split(".")[1]?.length ?? 0), expected);
}

const sum = (values: number[]): number => values.reduce((total, each) => total + each, 0);
/** Rows by a key, in the order met. */
function groups(rows: Row[], key: (row: Row) => string): Map<string, Row[]> {
  const grouped = new Map<string, Row[]>();
  for (const row of rows) grouped.set(key(row), [...(grouped.get(key(row)) ?? []), row]);
  return grouped;
}
const near = (actual: number, expected: number, relative: number, what: string): void => {
  assert.ok(
    Math.abs(actual - expected) <= relative * Math.abs(expected),
    `${what}: ${actual}, not ${expected}`,
  );
};
const MIB = 2 ** 20;

test("Figure 1: the Transformer leads at 1024 tokens, Mamba-2 at 32768", () => {
  const ratio = (column: "ttft_ms" | "tpot_ms", prompt_tokens: number): number =>
    value(latency, column, { figure: "1", model: "mamba2-780m", prompt_tokens }) /
    value(latency, column, { figure: "1", model: "qwen2.5-0.5b", prompt_tokens });
  equals(ratio("ttft_ms", 1024), "1.881");
  equals(1 / ratio("ttft_ms", 32768), "2.648");
  equals(ratio("tpot_ms", 1024), "1.102");
  equals(1 / ratio("tpot_ms", 32768), "3.052");
});

test("latency adds up: end to end = TTFT + TPOT x new tokens, and both throughputs follow", () => {
  const whole = latency.filter((row) => row.phase === "both");
  assert.equal(whole.length, 25);
  for (const { cell, ttft_ms, tpot_ms, e2e_ms, ...row } of whole) {
    near(ttft_ms! + tpot_ms! * row.new_tokens!, e2e_ms!, 1e-12, cell!);
    near(1000 / tpot_ms!, row.decode_tokens_per_s!, 1e-12, cell!);
    near(((row.prompt_tokens! + row.new_tokens!) / e2e_ms!) * 1000, row.overall_tokens_per_s!, 1e-12, cell!);
  }
});

test("Figure 3: Falcon-H1 matches the Transformer's accuracy at 2.8 times lower TTFT", () => {
  const ttft = (model: string): number => value(latency, "ttft_ms", { figure: "3", model });
  equals(ttft("qwen2.5-1.5b") / ttft("falcon-h1-1.5b"), "2.793");
  equals(ttft("qwen2.5-1.5b") / ttft("mamba2-1.3b"), "6.10");
  const mean = (model: string): number => {
    const scores = accuracy.filter((row) => row.model === model).map((row) => row.accuracy_pct!);
    assert.equal(scores.length, 5);
    return sum(scores) / 5;
  };
  equals(mean("qwen2.5-1.5b"), "58.97");
  equals(mean("mamba2-1.3b"), "44.76");
  equals(mean("falcon-h1-1.5b"), "59.36");
});

test("memory adds up: total = weights + activation + KV, to the source's 0.01 MiB a term", () => {
  const complete = memory.filter((row) => row.total_bytes !== undefined);
  assert.equal(complete.length, memory.length - 1, "one row is truncated in the source");
  for (const row of complete) {
    const parts = row.weights_bytes! + row.peak_activation_bytes! + row.kv_cache_bytes!;
    assert.ok(Math.abs(parts - row.total_bytes!) < 0.021 * MIB, row.cell!);
  }
});

test("memory in bytes is the published MiB: 19865.76 for Qwen at 57344, of which Mamba-2 saves 63.9 %", () => {
  const at57k = { prompt_tokens: 57344, device: "rtx4090" };
  const qwen = value(memory, "total_bytes", { ...at57k, model: "qwen2.5-0.5b" });
  assert.equal(qwen / MIB, 19865.76);
  equals(100 - (value(memory, "total_bytes", { ...at57k, model: "mamba2-780m" }) / qwen) * 100, "63.9");
  // W9: 12 KiB of KV a token.
  assert.equal(value(memory, "kv_cache_bytes", { ...at57k, model: "qwen2.5-0.5b" }), 12 * 1024 * 57344);
});

test("limits are the largest published lengths, within the card's memory", () => {
  for (const limit of limits) {
    const rows = memory.filter((row) => row.model === limit.model && row.device === limit.device);
    assert.equal(limit.max_prompt_tokens, Math.max(...rows.map((row) => row.prompt_tokens!)), limit.cell!);
    const { model, device, max_prompt_tokens: prompt_tokens } = limit;
    assert.equal(
      limit.total_bytes,
      value(memory, "total_bytes", { model: model!, device: device!, prompt_tokens: prompt_tokens }),
    );
    assert.ok(limit.total_bytes < limit.memory_limit_bytes!);
    if (limit.next_prompt_tokens != null) assert.ok(limit.next_prompt_tokens > limit.max_prompt_tokens);
  }
  const memoryOf = (device: string): Set<unknown> =>
    new Set(limits.filter((row) => row.device === device).map((row) => row.memory_limit_bytes! / 2 ** 30));
  assert.deepEqual(memoryOf("rtx4090"), new Set([24]));
  assert.deepEqual(memoryOf("jetson_orin_nano"), new Set([8]));
});

test("Figure 6a: 1492, 370 and 613 J at 57344 tokens", () => {
  const joules = (model: string): number => value(energy, "energy_j", { model, prompt_tokens: 57344 });
  assert.equal(joules("qwen2.5-0.5b"), 1492.62);
  equals(joules("qwen2.5-0.5b") / joules("mamba2-780m"), "4.0283");
  equals(joules("qwen2.5-0.5b") / joules("falcon-h1-0.5b"), "2.434");
});

test("Figure 6b: 2.646 and 1.539 times the Transformer's throughput at 32768 tokens", () => {
  const rate = (model: string, prompt_tokens: number): number =>
    value(latency, "overall_tokens_per_s", { figure: "6b", model, prompt_tokens });
  equals(rate("mamba2-780m", 32768) / rate("qwen2.5-0.5b", 32768), "2.646");
  equals(rate("falcon-h1-0.5b", 32768) / rate("qwen2.5-0.5b", 32768), "1.539");
  const shorter = [1024, 2048, 4096, 8192, 16384, 24576];
  const ratios = shorter.map((tokens) => rate("mamba2-780m", tokens) / rate("qwen2.5-0.5b", tokens));
  equals(Math.min(...ratios), "0.84");
  equals(Math.max(...ratios), "0.92");
});

test("operators add up: latency = host + device, shares of a breakdown are its latencies' and sum to 100", () => {
  const classes = operators.filter((row) => row.breakdown !== "aux");
  for (const row of classes) near(row.op_cpu_us! + row.op_device_us!, row.op_latency_us!, 1e-6, row.cell!);
  const breakdowns = groups(classes, (row) => `${row.cell} ${row.breakdown}`);
  assert.equal(breakdowns.size, 2 * 63);
  for (const [name, rows] of breakdowns) {
    const total = sum(rows.map((row) => row.op_latency_us!));
    const device = sum(rows.map((row) => row.op_device_us!));
    for (const row of rows) {
      assert.ok(Math.abs((row.op_latency_us! / total) * 100 - row.op_share_pct!) < 1e-3, name);
      assert.ok(Math.abs((row.op_device_us! / device) * 100 - row.op_device_share_pct!) < 1e-3, name);
    }
  }
});

test("a profiled span of latency is the whole pass of its operators", () => {
  const spans = latency.filter((row) => row.cell!.startsWith("latency/LP-"));
  assert.equal(spans.length, 63);
  for (const { cell, model, device, prompt_tokens, ttft_ms, device_busy_ms } of spans) {
    const pass: Row = {
      model: model!,
      device: device!,
      prompt_tokens: prompt_tokens!,
      op_class: "whole_pass",
    };
    near(value(operators, "op_cpu_us", pass) / 10 / 1000, ttft_ms!, 1e-6, cell!);
    near(value(operators, "op_device_us", pass) / 10 / 1000, device_busy_ms!, 1e-6, cell!);
  }
});

test("Figures 7 and 9a: the share of the SSM operators, host time included and not", () => {
  const range = (model: string, device: string, column: "op_share_pct" | "op_device_share_pct"): string => {
    const rows = operators.filter((row) => row.breakdown === "fine" && row.op_class === "ssm_scan");
    const shares = rows
      .filter((row) => row.model === model && row.device === device)
      .map((row) => row[column]!);
    return `${Math.min(...shares).toFixed(1)}-${Math.max(...shares).toFixed(1)}`;
  };
  assert.equal(range("mamba-130m", "rtx4090", "op_share_pct"), "45.9-52.1");
  assert.equal(range("mamba2-130m", "rtx4090", "op_share_pct"), "55.6-74.4");
  assert.equal(range("mamba-130m", "rtx4090", "op_device_share_pct"), "44.3-52.5");
  assert.equal(range("mamba2-130m", "rtx4090", "op_device_share_pct"), "44.3-60.1");
  assert.equal(range("mamba-130m", "jetson_orin_nano", "op_share_pct"), "55.5-62.9");
  assert.equal(range("mamba2-130m", "jetson_orin_nano", "op_share_pct"), "52.8-70.8");
});

test("Figure 8, W1 and W4: Zamba2's arithmetic is host time, and three of its profiles were classified apart", () => {
  const share = (op_class: string, prompt_tokens: number, column: keyof Row): number =>
    value(operators, column, {
      model: "zamba2-1.2b",
      device: "rtx4090",
      breakdown: "fine",
      op_class,
      prompt_tokens,
    });
  equals(share("arithmetic", 32768, "op_share_pct"), "51.1");
  equals(share("arithmetic", 32768, "op_device_share_pct"), "4.2");
  equals(share("gemm", 32768, "op_share_pct"), "36.3");
  equals(share("gemm", 32768, "op_device_share_pct"), "71.9");
  equals(share("ssm_scan", 256, "op_uniform_share_pct"), "34.1");
  equals(share("ssm_scan", 256, "op_share_pct"), "32.6");
  equals(share("ssm_scan", 8192, "op_uniform_share_pct"), "5.41");
  equals(share("ssm_scan", 32768, "op_uniform_share_pct"), "2.74");
});
