import assert from "node:assert/strict";
import { test } from "node:test";
import { cellColumns } from "../../../src/run/rows.js";
import { plan, type Cell } from "../../../src/run/plan.js";
import { predict } from "../../../src/run/sweep/predict.js";
import type { Row } from "../../../src/record/index.js";

const cellOf = (promptTokens: number, model = "mamba2-130m", more: object = {}): Cell =>
  plan({ models: [model], promptTokens: [promptTokens], newTokens: 5, repeats: 3, ...more }, () => false)[0]!;

/** What a device would give that computes 1e12 FLOP/s in the prefill and moves 1e11 bytes/s in a step. */
function measured(cell: Cell, status = "ok"): Row {
  const columns = cellColumns(cell);
  return {
    ...columns,
    status,
    repeat: 0,
    ttft_ms: columns.prefill_flops! / 1e9,
    tpot_ms: columns.decode_moved_bytes! / 1e8,
    total_bytes: 2e9,
    context_bytes: 1e8,
  };
}

const options = { limitBytes: 4e9, blocks: 3 };

test("time grows with the work, and counts repeats and every block's warm-up", () => {
  const cell = cellOf(1024);
  const rows = [
    measured(cellOf(128)),
    measured(cellOf(512)),
    { ...measured(cellOf(256)), status: "failed", ttft_ms: 1e9 },
  ];
  const columns = cellColumns(cell);
  const { ttftMs, tpotMs, totalS, timeBasis, energyJ, energyBasis } = predict(cell, rows, options);
  assert.equal(timeBasis, "same setting");
  assert.ok(Math.abs(ttftMs! / (columns.prefill_flops! / 1e9) - 1) < 1e-12);
  assert.ok(Math.abs(tpotMs! / (columns.decode_moved_bytes! / 1e8) - 1) < 1e-12);
  const generation = ttftMs! + 4 * tpotMs!;
  const warmUp = ttftMs! + 3 * tpotMs!;
  assert.ok(Math.abs(totalS! - (3 * generation + 3 * 2 * warmUp) / 1000) < 1e-9);
  assert.deepEqual([energyJ, energyBasis], [null, "none"]);
});

test("what is most alike is taken: the cell, its setting, its model, its family, nothing", () => {
  const cell = cellOf(1024);
  const basis = (...rows: Row[]): string => predict(cell, rows, options).timeBasis;
  const [family, model, setting, same] = [
    measured(cellOf(1024, "mamba-130m")),
    measured(cellOf(1024, "mamba2-130m", { batch: 2, lowering: "linear-attention" })),
    measured(cellOf(512)),
    measured(cell),
  ];
  assert.equal(basis(family, model, setting, same), "same cell");
  assert.equal(basis(family, model, setting), "same setting");
  assert.equal(basis(family, model), "same model");
  assert.equal(basis(family), "same family");
  assert.equal(basis(measured(cellOf(1024, "gpt-neo-125m"))), "none");
  const { ttftMs, totalS } = predict(cell, [], options);
  assert.deepEqual([ttftMs, totalS], [null, null]);
});

test("energy is that of the work, of rows of prefill and decoding together", () => {
  const row = cellColumns(cellOf(512));
  const flops = (columns: Row): number => columns.prefill_flops! + 4 * columns.decode_flops!;
  const rows: Row[] = [
    { ...row, kind: "energy", phase: "both", status: "ok", energy_j: 10 },
    { ...row, kind: "energy", phase: "prefill", status: "ok", energy_j: 1 },
    { ...row, kind: "energy", phase: "both", status: "skipped" },
  ];
  const { energyJ, energyBasis } = predict(cellOf(1024), rows, options);
  assert.equal(energyBasis, "same setting");
  assert.ok(Math.abs(energyJ! / ((10 * flops(cellColumns(cellOf(1024)))) / flops(row)) - 1) < 1e-12);
});

test("memory is at least what the shapes ask for, and what rows held in proportion", () => {
  const cell = cellOf(1024, "gpt-neo-125m");
  const bare = predict(cell, [], options);
  assert.equal(bare.memoryBasis, "none");
  // Weights, keys and values of 12 layers at 768 channels, all float32, and something for activations.
  const [weights, cache] = [4 * 125_198_592, 2 * 12 * 768 * (1024 + 5) * 4];
  assert.ok(
    bare.memoryBytes > weights + cache && bare.memoryBytes < 1.1 * (weights + cache),
    String(bare.memoryBytes),
  );
  assert.equal(bare.fits, true);
  assert.equal(predict(cell, [], { ...options, limitBytes: weights }).fits, false);
  assert.equal(predict(cell, [], { ...options, limitBytes: null }).fits, null);
  const same = predict(cell, [measured(cell)], options);
  assert.equal(Math.round(same.memoryBytes), 2e9 + 1e8);
  const all = predict({ ...cell, logits: "all" }, [], options);
  assert.equal(all.memoryBytes - bare.memoryBytes, 1024 * 50257 * 4);
});
