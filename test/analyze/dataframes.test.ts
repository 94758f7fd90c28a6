import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { ColumnTable } from "arquero";
import {
  breakEvenBatch,
  crossoverMatrix,
  documentCost,
  efficiency,
  figurePoints,
  fitScaling,
  fitTable,
  memoryLimit,
  memoryNeeded,
  paretoFront,
  speedup,
  summarize,
} from "../../src/analyze/index.js";
import { judgeClaims } from "../../src/claims/index.js";
import { fromDanfo, loadPaper, loadRows, saveRows, toDanfo, type Row } from "../../src/record/index.js";
import { tableOf } from "./samples.js";

const latency = loadPaper("latency").filter((row: Row) => row.figure === "6b");
const memory = loadRows("test/fixtures/memory/measured.csv");
const batches = [1, 8].flatMap((batch) =>
  ["a", "b"].flatMap((model) =>
    [1, 2, 3].map((ms) => ({ model, batch, prompt_tokens: 8, tpot_ms: model === "a" ? 5 + ms : ms * batch })),
  ),
);

/** Every table that the analysis returns, made of rows that exist. */
const TABLES: Record<string, () => ColumnTable> = {
  summarize: () => summarize(latency),
  fitTable: () => fitTable(fitScaling(latency, { metric: "ttft_ms" })),
  crossoverMatrix: () => crossoverMatrix(latency, { metric: "ttft_ms", replicates: 100 }),
  speedup: () => speedup(latency, { metric: "ttft_ms", baseline: "qwen2.5-0.5b" }),
  breakEvenBatch: () => breakEvenBatch(tableOf(batches), { a: "a", b: "b" }),
  efficiency: () => efficiency(latency),
  memoryLimit: () => memoryLimit(memory, { memoryBytes: 2 ** 33, replicates: 100 }),
  memoryNeeded: () => memoryNeeded(memory, { promptTokens: [512, 4096], replicates: 100 }),
  paretoFront: () =>
    paretoFront(latency, { objectives: ["ttft_ms", "tpot_ms"], promptTokens: 32768, replicates: 100 }),
  documentCost: () => documentCost(latency, { promptTokens: 10000, newTokens: 100, replicates: 100 }),
};

/** Rows without their missing cells, in which a data frame and a table differ. */
const filled = (table: ColumnTable): unknown[] =>
  (table.objects() as Record<string, unknown>[]).map((row) =>
    Object.fromEntries(Object.entries(row).filter(([, value]) => value != null)),
  );

for (const [name, make] of Object.entries(TABLES))
  test(`the table of ${name} goes to a danfo.js data frame and back`, async () => {
    const table = make();
    const frame = await toDanfo(table);
    assert.deepEqual(frame.shape, [table.numRows(), table.numCols()]);
    assert.deepEqual(frame.columns, table.columnNames());
    assert.ok(table.numRows() > 0);
    assert.deepEqual(new Set(filled(fromDanfo(frame)).map(sorted)), new Set(filled(table).map(sorted)));
  });

/** Columns of the schema come first when rows are read. */
const sorted = (row: unknown): string => JSON.stringify(Object.entries(row as object).sort());

test("figure points, claims and saved files take a data frame", async () => {
  const given = await toDanfo(latency);
  assert.deepEqual(new Set(filled(figurePoints(given))), new Set(filled(figurePoints(latency))));
  assert.deepEqual(judgeClaims(given), judgeClaims(latency));
  const folder = mkdtempSync(join(tmpdir(), "ssm-scope-frame-"));
  try {
    saveRows(given, join(folder, "rows.csv"));
    saveRows(latency, join(folder, "table.csv"));
    assert.deepEqual(
      new Set(filled(loadRows(join(folder, "rows.csv"))).map(sorted)),
      new Set(filled(loadRows(join(folder, "table.csv"))).map(sorted)),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("arrays of plain objects make the same table", () => {
  const rows = latency.objects() as Row[];
  assert.deepEqual(summarize(tableOf(rows)).objects(), summarize(latency).objects());
});
