import assert from "node:assert/strict";
import { test } from "node:test";
import { cost, findModel } from "../../src/models/index.js";
import type { Row } from "../../src/record/index.js";
import { join, type PeerRow } from "./join.js";
import { sentence, alignColumns, formatBench } from "./table.js";
import { ceilingsOf, TARGETS, type Target } from "./targets.js";

const ours = (columns: Partial<Row> = {}): Row => ({
  kind: "latency",
  status: "ok",
  campaign: "ours-1",
  cell: "a",
  model: "qwen2.5-0.5b",
  dtype: "fp16",
  ep: "cuda",
  device: "NVIDIA H200",
  ort_version: "1.29.0",
  prompt_tokens: 1024,
  new_tokens: 64,
  ttft_ms: 20,
  tpot_ms: 2,
  process_device_bytes: 2e9,
  ...columns,
});

const peer = (columns: Partial<PeerRow> = {}): PeerRow => ({
  kind: "peer",
  variant: "eager",
  status: "ok",
  model: "qwen2.5-0.5b",
  dtype: "fp16",
  prompt_tokens: 1024,
  new_tokens: 64,
  kernels: "SDPA",
  gpu: "NVIDIA H200",
  torch: "2.11.0",
  transformers: "5.17.0",
  ttft_samples_ms: [40, 30, 50],
  tpot_samples_ms: [16, 15, 17],
  device_used_bytes: 3e9,
  ...columns,
});

const joined = (rows: Row[], targets: readonly Target[] = TARGETS) =>
  join(rows, { targets, ceilings: ceilingsOf });

test("medians of ours and of the peer meet in one cell, whatever came first", () => {
  const rows = [
    peer(),
    ours({ ttft_ms: 10 }),
    ours({ ttft_ms: 30 }),
    ours({ ttft_ms: 21, process_device_bytes: 2.5e9 }),
  ];
  for (const order of [rows, rows.toReversed()]) {
    const [cell, ...others] = joined(order);
    assert.equal(others.length, 0);
    assert.deepEqual(
      [cell!.ours?.samples, cell!.ours?.ttftMs, cell!.ours?.tpotMs, cell!.ours?.deviceBytes],
      [3, 21, 2, 2.5e9],
    );
    assert.deepEqual([cell!.peer?.samples, cell!.peer?.ttftMs, cell!.peer?.deviceBytes], [3, 40, 3e9]);
    assert.equal(cell!.ttftRatio, 21 / 40);
    assert.equal(cell!.tpotRatio, 2 / 16);
  }
});

test("only what ran alike is compared", () => {
  for (const other of [
    { prompt_tokens: 8192 },
    { new_tokens: 16 },
    { dtype: "fp32" },
    { model: "mamba2-130m" },
  ]) {
    const cells = joined([ours(), peer(other)]);
    assert.equal(cells.length, 2, JSON.stringify(other));
    assert.ok(
      cells.every(
        ({ ttftRatio, verdicts }) =>
          ttftRatio === null && !verdicts.some(({ metric }) => metric === "ttftMs"),
      ),
    );
  }
});

test("what was measured again later stands alone", () => {
  const [cell] = joined([
    ours({ ttft_ms: 1 }),
    peer({ ttft_samples_ms: [1] }),
    ours({ campaign: "ours-2", ttft_ms: 20 }),
    peer({ ttft_samples_ms: [40] }),
  ]);
  assert.deepEqual([cell!.ours?.samples, cell!.ours?.ttftMs, cell!.peer?.ttftMs], [1, 20, 40]);
  // Another setting of ours is another line.
  assert.equal(joined([ours(), ours({ cell: "b", lowering: "ssd-matmul" })]).length, 2);
});

test("a side that ran out of memory or was skipped is told, not compared", () => {
  const rows = [
    ours(),
    peer({
      status: "oom",
      status_reason: "OutOfMemoryError: tried 48 GiB\nmore",
      ttft_samples_ms: [],
      tpot_samples_ms: [],
    }),
    peer({ variant: "graph", status: "skipped", status_reason: "200 s were used up" }),
  ];
  const [cell] = joined(rows);
  assert.equal(cell!.peer?.outcome, "oom: OutOfMemoryError: tried 48 GiB");
  assert.equal(cell!.ttftRatio, null);
  const text = formatBench(joined(rows), rows);
  assert.match(text, /1024 tokens, peer: oom: OutOfMemoryError: tried 48 GiB$/m);
  assert.match(text, /1024 tokens, peer graph: skipped: 200 s were used up$/m);
});

test("targets: against the peer, a token, and as they are, at the lengths they speak of", () => {
  const [cell] = joined([ours({ ttft_ms: 44, tpot_ms: 1.9 }), peer()]);
  assert.deepEqual(cell!.verdicts, [
    { metric: "ttftMs", limit: 40, value: 44, met: false },
    { metric: "tpotMs", limit: 0.12 * 16, value: 1.9, met: true },
  ]);
  const renamed = TARGETS.map((target) => ({ ...target, model: target.model.replace("780m", "130m") }));
  const mamba = (prompt_tokens: number) =>
    joined([ours({ model: "mamba2-130m", prompt_tokens, ttft_ms: 425.9 })], renamed);
  assert.deepEqual(
    mamba(32768)[0]!.verdicts.map(({ metric, limit, met }) => [metric, limit, met]),
    [
      ["ttftMs", 0.013 * 32768, true], // 425.98 ms
      ["tpotMs", 3, true],
    ],
  );
  assert.deepEqual(
    mamba(8192)[0]!.verdicts.map(({ metric }) => metric),
    ["tpotMs"],
  );
  assert.deepEqual(
    mamba(220160)[0]!.verdicts.map(({ metric, met }) => [metric, met]),
    [
      ["ttftMs", true],
      ["tpotMs", true],
      ["deviceBytes", true],
    ],
  );
});

test("a missed target says by how much", () => {
  assert.equal(
    sentence({ metric: "ttftMs", limit: 40, value: 44, met: false }),
    "TTFT 44.00 ms, target 40.00 ms: missed by 10.0 %",
  );
  assert.equal(
    sentence({ metric: "deviceBytes", limit: 4e9, value: 3e9, met: true }),
    "device memory 3.00 GB, target 4.00 GB: met, 25.0 % to spare",
  );
});

test("the roofline is of this model, length and type", () => {
  const [cell] = joined([ours({ ttft_ms: 10 })]);
  const { flops } = cost(findModel("qwen2.5-0.5b"), {
    phase: "prefill",
    batch: 1,
    promptTokens: 1024,
    dtype: "float16",
  });
  assert.equal(cell!.ttftRoofline?.bound, "compute");
  assert.equal(cell!.ttftRoofline.lowerBoundMs, (1000 * flops) / 790e12);
  assert.equal(cell!.ttftRoofline.ratio, 10 / cell!.ttftRoofline.lowerBoundMs);
  // 988 MB of weights and 13 MB of cache at 4.3 TB/s.
  assert.equal(cell!.tpotRoofline?.bound, "memory");
  assert.ok(Math.abs(cell!.tpotRoofline.lowerBoundMs - 0.2328) < 1e-3, `${cell!.tpotRoofline.lowerBoundMs}`);
  assert.equal(
    joined([ours({ device: "NVIDIA H2000" })])[0]!.ttftRoofline,
    null,
    "its ceilings are not known",
  );
});

test("the table has a line for every cell, by model and length, and names the engines", () => {
  const rows = [
    peer({ prompt_tokens: 8192 }),
    ours({ prompt_tokens: 8192 }),
    ours(),
    peer(),
    peer({ variant: "graph", kernels: "SDPA, graph", tpot_samples_ms: [4] }),
    ours({ model: "mamba2-130m", lowering: "ssd-matmul", cuda_graph: true }),
  ];
  const text = formatBench(joined(rows), rows);
  const [header, first, second, third] = text.split("\n");
  assert.match(header!, /^model +tokens +n +TTFT ms +peer +ratio/);
  assert.match(first!, /^mamba2-130m +1024 +1\/0 +20.00 +- +-/);
  assert.match(second!, /^qwen2.5-0.5b +1024 +1\/3 +20.00 +40.00 +0.500 +2.000 +16.000 +0.125 +4.000 /);
  assert.match(second!, /1 of 2 missed$/);
  assert.match(third!, /^qwen2.5-0.5b +8192 /);
  assert.match(text, /^ours on NVIDIA H200, ONNX Runtime 1.29.0$/m);
  assert.match(text, /^peer on NVIDIA H200, torch 2.11.0, transformers 5.17.0$/m);
  assert.match(text, /^mamba2-130m: ours, cuda, ssd-matmul, CUDA graph$/m);
  assert.match(text, /^qwen2.5-0.5b: SDPA, graph$/m);
  assert.equal(formatBench([], []), "nothing was measured");
});

test("columns are as wide as their widest cell", () => {
  assert.equal(
    alignColumns([
      ["a", "bb"],
      ["ccc", "d"],
    ]),
    "a    bb\nccc   d",
  );
});
