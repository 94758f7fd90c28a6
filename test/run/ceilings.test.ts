import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { UserError } from "../../src/errors.js";
import { loadRows } from "../../src/record/index.js";
import { ceilings } from "../../src/run/index.js";

test("ceilings are the best of their trials, and a row that a campaign keeps", async () => {
  const out = mkdtempSync(join(tmpdir(), "ceilings-"));
  try {
    const { flopsPerS, bytesPerS, trials, row } = await ceilings({
      copyBytes: 2 ** 22,
      edges: [128, 256],
      runs: 2,
      threads: 1,
      out,
    });
    assert.deepEqual(
      trials.map(({ graph }) => graph),
      ["MatMul 128", "MatMul 256", "Mul 4 MiB", "Add 4 MiB"],
    );
    for (const { what, best_ms, flops_per_s, bytes_per_s, graph } of trials) {
      const edge = Number(graph.split(" ")[1]);
      // 2 n³ FLOP; read once and written once, or read twice and written once.
      const work = what === "gemm" ? 2 * edge ** 3 : (graph.startsWith("Mul") ? 2 : 3) * 2 ** 22;
      const rate = (what === "gemm" ? flops_per_s : bytes_per_s)!;
      assert.ok(Math.abs((rate * best_ms) / 1000 / work - 1) < 1e-9, graph);
    }
    assert.equal(flopsPerS, Math.max(...trials.map(({ flops_per_s }) => flops_per_s ?? 0)));
    assert.equal(bytesPerS, Math.max(...trials.map(({ bytes_per_s }) => bytes_per_s ?? 0)));
    assert.equal(row.ceiling_flops_per_s, flopsPerS);
    const kept = loadRows(out).objects() as (typeof row)[];
    assert.deepEqual(
      kept.map(({ kind, dtype, threads, ceiling_bytes_per_s }) => [
        kind,
        dtype,
        threads,
        ceiling_bytes_per_s,
      ]),
      [["ceilings", "fp32", 1, bytesPerS]],
    );
  } finally {
    rmSync(out, { recursive: true });
  }
});

test("a setting that the device does not have is refused before anything runs", async () => {
  const refused = (options: Parameters<typeof ceilings>[0], message: RegExp): Promise<void> =>
    assert.rejects(ceilings(options), (error) => error instanceof UserError && message.test(error.message));
  await refused({ dtype: "fp16" }, /the dtype is fp16, but ONNX Runtime's CPU kernels compute in fp32/);
  await refused({ tf32: true }, /deviceId and tf32 are of a GPU/);
  await refused({ edges: [0] }, /the edge of a matrix is 0/);
});
