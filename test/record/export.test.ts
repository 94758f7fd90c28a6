import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { exportRows } from "../../src/record/export.js";
import { loadRows, saveRows } from "../../src/record/load.js";
import { query } from "../../src/record/query.js";
import type { Row } from "../../src/record/schema.js";
import { rowsToTable } from "../../src/record/table.js";
import { tableEqual } from "../support/table-equal.js";
import { SAMPLE_ROWS, temporaryFolder } from "./sample-rows.js";

test("each format holds the same rows, columns in the schema's order, and nothing is left beside it", async (t) => {
  const folder = temporaryFolder(t);
  const rows = join(folder, "in.jsonl");
  saveRows(rowsToTable(SAMPLE_ROWS), rows);
  for (const format of ["arrow", "csv", "jsonl"]) {
    const file = join(folder, "new", `rows.${format}`);
    assert.equal(await exportRows(rows, file), SAMPLE_ROWS.length);
    tableEqual(loadRows(file), rowsToTable(SAMPLE_ROWS));
  }
  await exportRows(rows, join(folder, "new", "rows.parquet"));
  tableEqual(
    await query("select * exclude (file) from rows", join(folder, "new", "rows.parquet")).then((read) =>
      read.select(rowsToTable(SAMPLE_ROWS).columnNames()),
    ),
    rowsToTable(SAMPLE_ROWS),
  );
  assert.deepEqual(readdirSync(join(folder, "new")).sort(), [
    "rows.arrow",
    "rows.csv",
    "rows.jsonl",
    "rows.parquet",
  ]);
});

test("Parquet has the schema's types and only columns that a row fills, also one that first comes late", async (t) => {
  const folder = temporaryFolder(t);
  const many: Row[] = Array.from({ length: 3000 }, (_, repeat) => ({
    model: "a",
    repeat,
    warmup_stable: true,
  }));
  const late: Row = { itl_ms: [1.5], verdict_reasons: ["throttled"], ...{ mood: "late" } };
  const file = join(folder, "rows.odd");
  await exportRows([...many, late], join(folder, "rows.jsonl"));
  await exportRows(join(folder, "rows.jsonl"), file, { format: "parquet" });
  const connection = await (await DuckDBInstance.create()).connect();
  const read = await connection.runAndReadAll(
    `select column_name, column_type from (describe select * from read_parquet('${file}'))`,
  );
  assert.deepEqual(read.getRowsJS(), [
    ["model", "VARCHAR"],
    ["repeat", "DOUBLE"],
    ["warmup_stable", "BOOLEAN"],
    ["itl_ms", "DOUBLE[]"],
    ["verdict_reasons", "VARCHAR[]"],
    ["mood", "VARCHAR"],
  ]);
  connection.closeSync();
});

test("nothing is written where there is no row or the format is unknown, and a failure leaves no draft", async (t) => {
  const folder = temporaryFolder(t);
  const refused = (from: Parameters<typeof exportRows>[0], file: string, message: RegExp): Promise<void> =>
    assert.rejects(exportRows(from, join(folder, file)), { name: "UserError", message });
  await refused(
    [{ model: "a" }],
    "rows.txt",
    /rows\.txt has no known extension; rows are exported to \.parquet, \.arrow/,
  );
  writeFileSync(join(folder, "none.jsonl"), "\n");
  await refused(join(folder, "none.jsonl"), "rows.parquet", /there is no row|holds no row/);
  mkdirSync(join(folder, "taken.parquet"));
  await assert.rejects(exportRows([{ model: "a" }], join(folder, "taken.parquet")), { code: "EISDIR" });
  assert.deepEqual(readdirSync(folder).sort(), ["none.jsonl", "taken.parquet"]);
  assert.ok(!existsSync(join(folder, "rows.parquet")));
});
